import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** A map of JSON values that is on disk after every change, so that a peer that is killed finds it again. */
export class KeptMap extends Map {
  #path;

  constructor(path) {
    super();
    try {
      for (const [key, value] of JSON.parse(readFileSync(path, 'utf8'))) super.set(key, value);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    this.#path = path;
  }

  set(key, value) {
    super.set(key, value);
    this.#keep();
    return this;
  }

  delete(key) {
    const found = super.delete(key);
    this.#keep();
    return found;
  }

  clear() {
    super.clear();
    this.#keep();
  }

  #keep() {
    if (this.#path === undefined) return;
    writeFileSync(`${this.#path}.new`, JSON.stringify([...this]));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
