// Names and times: the native half has those of every language, with underscores and seconds; JavaScript has its own.
//
// May not enter: a name.

/** @internal Members as JavaScript has them, `expiresAt` for `expires_at`; each made by `convert` from name and value. */
export function camelCased(
  members: object,
  convert: (name: string, value: unknown) => unknown = (_, value) => value,
): object {
  const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.freeze(mapped(members, camelCase, convert));
}

/** @internal Options as the native half has them; one that is undefined was left out. */
export function snakeCased(options: object): object {
  const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return mapped(options, snakeCase, (_, value) => value);
}

/** @internal */
export function date(seconds: number | null): Date | null {
  return seconds === null ? null : new Date(seconds * 1000);
}

function mapped(
  members: object,
  rename: (name: string) => string,
  convert: (name: string, value: unknown) => unknown,
): object {
  const known = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [rename(name), convert(name, value)]));
}
