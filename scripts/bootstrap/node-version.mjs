/** The `engines.node` of package.json, which cannot be read before this check has passed. */
export const minNodeVersion = '20.9.0';

/** Why this Node.js cannot run Tessera and what to do about it, or undefined when it can. */
export function explainOldNode(version) {
  if (compareVersions(version, minNodeVersion) >= 0) return undefined;
  return (
    `Tessera needs Node.js ${minNodeVersion} or newer; this is ${version}.\n` +
    'Install a current release from https://nodejs.org, or with a version manager: nvm install 20'
  );
}

function compareVersions(left, right) {
  const [a, b] = [left, right].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)));
  for (let i = 0; i < 3; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}
