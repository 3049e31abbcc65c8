import { spawn } from 'node:child_process';

const numShownLines = 20;

/** A step that ended badly: the message is all that the user has to see. */
export class StepFailure extends Error {}

/**
 * Runs a command behind one line that tells what is done and for how long. Its output is shown only when it fails:
 * then its first and last 20 lines and the hint are in the StepFailure.
 */
export async function runStep({ title, command, args, cwd, env, hint }) {
  const line = showElapsed(title);
  const { exitCode, output } = await capture(command, args, { cwd, env });
  line.finish(exitCode === 0 ? 'done' : 'failed');
  if (exitCode === 0) return;
  const what = [command, ...args].join(' ');
  throw new StepFailure(
    `${excerpt(output, numShownLines)}\n\n${title} failed: "${what}" exited with ${exitCode}.\n${hint}`,
  );
}

/** Resolves to exit code and output (stdout and stderr as they came), also when the command does not exist. */
export function capture(command, args, options) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ exitCode: 127, output: error.message }));
    child.on('close', (code, signal) =>
      resolve({ exitCode: code ?? signal, output: Buffer.concat(chunks).toString('utf8') }),
    );
  });
}

/** A terminal sees the seconds run; a log file gets one line, finished when the step is. */
export function showElapsed(title, stream = process.stdout) {
  const startMs = Date.now();
  const elapsed = () => `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
  const redraw = () => stream.write(`\r${title} … ${elapsed()}`);
  stream.write(`${title} … `);
  const timer = stream.isTTY ? setInterval(redraw, 100) : undefined;
  return {
    finish(word) {
      clearInterval(timer);
      if (stream.isTTY) redraw();
      stream.write(stream.isTTY ? `, ${word}\n` : `${word} in ${elapsed()}\n`);
    },
  };
}

/** First and last lines of an output: npm names the cause first, compilers and turbo last. */
export function excerpt(output, numLines) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= 2 * numLines) return lines.join('\n');
  const numHidden = lines.length - 2 * numLines;
  return [...lines.slice(0, numLines), `… ${numHidden} lines …`, ...lines.slice(-numLines)].join('\n');
}
