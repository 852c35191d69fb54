// A table of rows: a real table where there is room, a card a row on a phone.

import type { ComponentChildren } from "preact";
import { Problem } from "./Form";
import type { Listed } from "./loading";
import { t } from "./texts";
import "./parts.css";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  readonly isNumber?: boolean;
  /** Hidden where a table has little room. */
  readonly isExtra?: boolean;
}

interface TableProps<T> {
  /** What the table holds, for who doesn't see it. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly empty?: ComponentChildren;
}

export function DataTable<T>({ caption, columns, rows, keyOf, empty }: TableProps<T>) {
  if (rows.length === 0) return <p class="empty">{empty ?? t("nothing")}</p>;
  const classOf = (column: Column<T>) => [column.isNumber === true ? "num" : "", column.isExtra === true ? "extra" : ""].join(" ").trim();
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class="table cards">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map((column) => <th key={column.title} scope="col" class={classOf(column)}>{column.title}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => <td key={column.title} class={classOf(column)} data-label={column.title}><span>{column.cell(row)}</span></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ListProps<T> extends Omit<TableProps<T>, "rows"> {
  readonly list: Listed<T>;
}

/** A table of what `useListed` reads, with its waiting, its failure and its next page. */
export function ListTable<T>({ list, ...table }: ListProps<T>) {
  if (list.isFirst) return <Waiting />;
  return (
    <>
      {list.error !== null && <Failed error={list.error} reload={list.reload} />}
      {(list.error === null || list.rows.length > 0) && <DataTable {...table} rows={list.rows} />}
      {list.hasMore && <p class="more"><button class="button" disabled={list.isBusy} onClick={list.more}>{t("more")}</button></p>}
    </>
  );
}

export function Waiting() {
  return <p class="empty" aria-busy="true">{t("loading")} …</p>;
}

export function Failed({ error, reload }: { error: Parameters<typeof Problem>[0]["problem"]; reload: () => void }) {
  return (
    <div class="empty stack">
      <div><strong>{t("failed")}</strong><Problem problem={error} /></div>
      <div><button class="button" onClick={reload}>{t("again")}</button></div>
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly isPlain?: boolean;
}

/** A panel with a head; `isPlain` has no space around what is in it, for tables. */
export function Panel({ title, actions, children, isPlain = false }: PanelProps) {
  return (
    <section class="panel">
      <header><h2>{title}</h2>{actions !== undefined && <div class="row">{actions}</div>}</header>
      {isPlain ? children : <div class="body stack">{children}</div>}
    </section>
  );
}
