/** The command line's flag of an option: `maxTokens` is `--max-tokens`. */
export function flagName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
