/** A binary min-heap: the least item first, push and pop in O(log n). */
export interface Heap<Item> {
  peek(): Item | undefined;
  pop(): Item | undefined;
  push(item: Item): void;
  /** Replaces all items, in O(n). */
  reset(items: Iterable<Item>): void;
}

export function createHeap<Item>(order: (item: Item) => number): Heap<Item> {
  let items: Item[] = [];

  const isBefore = (a: Item, b: Item) => order(a) < order(b);

  const siftUp = (item: Item, from: number) => {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex] as Item;
      if (!isBefore(item, parent)) break;
      items[index] = parent;
      index = parentIndex;
    }
    items[index] = item;
  };

  const siftDown = (item: Item, from: number) => {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= items.length) break;
      const right = left + 1;
      const least = right < items.length && isBefore(items[right] as Item, items[left] as Item) ? right : left;
      const child = items[least] as Item;
      if (!isBefore(child, item)) break;
      items[index] = child;
      index = least;
    }
    items[index] = item;
  };

  return {
    peek: () => items[0],
    push: (item) => {
      items.push(item);
      siftUp(item, items.length - 1);
    },
    pop: () => {
      const least = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) siftDown(last, 0);
      return least;
    },
    reset: (next) => {
      items = [...next];
      for (let index = (items.length >> 1) - 1; index >= 0; index--) siftDown(items[index] as Item, index);
    },
  };
}
