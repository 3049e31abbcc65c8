/** How to call npm: the very npm that runs this script, else the one on the PATH. */
export function npmCommand(env) {
  const script = env.npm_execpath;
  if (script && /npm-cli\.[cm]?js$/.test(script)) return { command: process.execPath, args: [script] };
  return { command: 'npm', args: [] };
}
