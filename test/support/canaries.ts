/** What every secret begins with that a fake hands out or a test makes up, so that a leak is found without knowing them all. */
export const secretMark = 'CNRYzsecretz';

/** As much of a secret as may not be shown either. */
const partLength = 8;

/** A canary: a secret that nobody may see. */
export function canary(name: string): string {
  return `${secretMark}${name}`;
}

/** A form in which a part of a secret can stand in a text. */
interface Form {
  readonly name: string;
  readonly pattern: RegExp;
}

/** How a secret may be disguised, by how it begins. */
export type SecretForms = readonly Form[];

/**
 * The forms of every secret that begins like this one: plain, base64 at each place a byte can have in it, hexadecimal,
 * percent-encoded. Plain also finds it cut after its first eight characters.
 */
export function formsOf(secret: string): SecretForms {
  const part = secret.slice(0, partLength);
  if (part.length < partLength)
    throw new RangeError(`a secret of fewer than ${partLength} letters is found by chance`);
  const bytes = Buffer.from(part);
  const hex = bytes.toString('hex');
  return [
    { name: 'plain', pattern: literal(part) },
    { name: 'base64', pattern: either(base64FormsOf(bytes, 'base64')) },
    { name: 'base64url', pattern: either(base64FormsOf(bytes, 'base64url')) },
    { name: 'hexadecimal', pattern: new RegExp(hex, 'iu') },
    { name: 'percent-encoded', pattern: new RegExp(hex.replaceAll(/../gu, '%$&'), 'iu') },
  ];
}

const marked = formsOf(secretMark);
const escapeSequences = /\u001b\[[\d;]*m/gu;

/**
 * The form in which a secret stands in a text, or `undefined`. One that is split by line breaks, blanks, quotes or
 * other signs is found too.
 */
export function findSecretIn(text: string, forms: SecretForms = marked): string | undefined {
  const whole = forms.find(({ pattern }) => pattern.test(text));
  if (whole !== undefined) return whole.name;
  const joined = text.replaceAll(escapeSequences, '').replaceAll(/[^\dA-Za-z]/gu, '');
  const split = forms.find(({ pattern }) => pattern.test(joined));
  return split && `${split.name}, split`;
}

/** The first and last letters depend on what stands beside it. */
function base64FormsOf(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replaceAll('=', '');
    const isCut = (before + bytes.length) % 3 !== 0;
    return encoded.slice(before === 0 ? 0 : before + 1, isCut ? -1 : undefined);
  });
}

function literal(text: string): RegExp {
  return new RegExp(escaped(text), 'u');
}

function either(texts: readonly string[]): RegExp {
  return new RegExp(texts.map(escaped).join('|'), 'u');
}

function escaped(text: string): string {
  return text.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`);
}
