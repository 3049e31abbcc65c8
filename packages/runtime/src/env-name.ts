export const defaultEnvPrefix = 'TESSERA_';

/** The environment variable of an option: `maxTokens` is `TESSERA_MAX_TOKENS`. */
export function envName(option: string, prefix = defaultEnvPrefix): string {
  return prefix + option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
