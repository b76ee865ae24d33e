import assert from 'node:assert/strict';
import { errorCodes } from '../../src/core/error-codes.ts';
import { isPosternError, type PosternError } from '../../src/core/postern-error.ts';
import { serverWordOf } from '../../src/oauth/server-word.ts';
import { findSecretIn } from '../support/canaries.ts';
import { tellAll } from '../support/tell-all.ts';

export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: PosternError };

/** What came of a parser. @throws {AssertionError} when it threw anything but an error of ours that tells nothing. */
export async function outcomeOf<T>(parse: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await parse() };
  } catch (error) {
    return { error: checkError(error) };
  }
}

function checkError(error: unknown): PosternError {
  if (!isPosternError(error))
    throw new assert.AssertionError({ message: `threw no PosternError: ${tellAll(error)}` });
  assert.ok(Object.hasOwn(errorCodes, error.code), `the code ${error.code} exists`);
  checkTellsNothing('the error', tellAll(error));
  checkTellsNothing('what a log says of the server’s word', JSON.stringify(serverWordOf(error)));
  assert.ok(error.message.length < 2_000, 'the message is short');
  return error;
}

/** @throws {AssertionError} when a planted secret stands in the text. */
export function checkTellsNothing(what: string, text: string): void {
  const form = findSecretIn(text);
  assert.equal(form, undefined, `${what} holds a secret (${form}): ${text.slice(0, 400)}`);
}

/** @throws {AssertionError} when a value would be another one after it was written down and read. */
export function checkSurvivesJson<T>(value: T, read: (stored: unknown) => T): void {
  const text = JSON.stringify(value);
  assert.deepEqual(read(JSON.parse(text)), JSON.parse(text), 'it survives being stored');
  assert.ok(!/:null[,}]/u.test(text), 'no number is lost on the way to the store');
}
