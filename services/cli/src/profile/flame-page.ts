import { readFile } from 'node:fs/promises';
import { flameOfPhase } from './flame-tree.js';
import { describePhase } from './format-profile.js';
import type { PhaseProfile } from './phase-profile.js';

const template = new URL('../../assets/flame-view.html', import.meta.url);
const slot = '<script id="profile" type="application/json">null</script>';

/** What a flame page says above its pictures. */
export interface FlameSubject {
  readonly title: string;
  /** Lines: machine, versions. */
  readonly machine: string;
  /** Tables and their legend, as on the terminal. */
  readonly report: string;
}

/** A page of its own, without network: a flame view of each phase. */
export async function flamePage(subject: FlameSubject, phases: readonly PhaseProfile[]): Promise<string> {
  const views = phases.map((phase) => ({ summary: describePhase(phase), root: flameOfPhase(phase) }));
  // Inside a script element, `<` alone could end it.
  const data = JSON.stringify({ ...subject, phases: views }).replaceAll('<', '\\u003c');
  const page = await readFile(template, 'utf8');
  return page.replace(slot, () => slot.replace('null', () => data));
}
