// Where a book is had from: the live feed, or a moment of the past.

import type { Book } from "./book";

export interface BookSource {
  readonly book: Book;
  /** Whether a book has come, be it an empty one. */
  readonly hasBook: boolean;
  /** Be told of each change of the book; returns how to stop. */
  onBook(listener: () => void): () => void;
}
