/**
 * A list that is filled and emptied again and again. It keeps its memory: in a crowd, arrays that grow anew for each
 * packet are a fifth of what survives a garbage collection. It refers to its last items until others replace them.
 */
export class RefilledList<T> {
  readonly #items: T[] = [];
  size = 0;

  add(item: T): void {
    this.#items[this.size++] = item;
  }

  forEach(visit: (item: T) => void): void {
    for (let index = 0; index < this.size; index++) visit(this.#items[index] as T);
  }

  /**
   * Its items as an array. V8 places arrays that are made by a literal into the old generation, once many of them have
   * survived a garbage collection. There they keep everything that they refer to until a full collection.
   */
  copy(): T[] {
    return this.#items.slice(0, this.size);
  }

  clear(): void {
    this.size = 0;
  }
}
