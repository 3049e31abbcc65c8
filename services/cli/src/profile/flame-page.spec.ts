import { expect, it } from 'vitest';
import { examplePhase } from '../testing/example-phase.js';
import { flamePage } from './flame-page.js';

const subject = { title: 'tessera-tiny', machine: 'two cores', report: 'a table' };

/** What the page's script reads. */
function readData(page: string) {
  const [, data] = /<script id="profile" type="application\/json">(.*?)<\/script>/s.exec(page) as RegExpExecArray;
  return JSON.parse(data);
}

it('carries the flame of each phase with its summary', async () => {
  const data = readData(await flamePage(subject, [examplePhase, { ...examplePhase, title: 'second' }]));
  expect(data).toMatchObject(subject);
  expect(data.phases.map(({ root }: { root: { name: string } }) => root.name)).toEqual([examplePhase.title, 'second']);
  expect(data.phases[0].summary).toContain('host  31.1 – 41.7 % of the step');
});

it('cannot be broken out of by what things are called', async () => {
  const title = `</script><script>alert("$&")</script><!-- $'`;
  const page = await flamePage({ ...subject, title }, [{ ...examplePhase, title }]);
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page.match(/<!--/g)).toBeNull();
  expect(readData(page).title).toBe(title);
  expect(readData(page).phases[0].root.name).toBe(title);
});

it('needs no network', async () => {
  const page = await flamePage(subject, [examplePhase]);
  expect(page).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\(/);
});
