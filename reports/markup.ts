/**
 * HTML that cannot forget to escape: whatever is put into a template is text unless it is already `Markup`.
 * Attribute values in templates must stand in double quotes; then escaping these five characters is enough in text
 * and in attributes (OWASP, Cross Site Scripting Prevention, rules 1 and 2). No text from outside goes into a script or
 * a style; data for scripts goes through `json`.
 */
declare const marked: unique symbol;

export interface Markup {
  readonly [marked]: true;
  toString(): string;
}
type Content = Markup | string | number | readonly Content[] | null | false;

/** Markup that this program wrote or that a library escaped. Never for text from outside. */
export function trusted(source: string): Markup {
  return { toString: () => source } as Markup;
}

export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let source = strings[0]!;
  for (const [index, content] of contents.entries()) source += sourceOf(content) + strings[index + 1]!;
  return trusted(source);
}

/** A JSON value as the content of a `<script type="application/json">`: no `<` is left to end or nest the element. */
export function json(value: unknown): Markup {
  return trusted(JSON.stringify(value).replace(/[<\u2028\u2029]/g, (c) => `\\u${hex(c)}`));
}

/** Escapes for text and for quoted attributes, in HTML and in XML. */
export function escapeMarkup(text: string): string {
  return printable(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/**
 * Text from outside without the characters that move a cursor, reorder a line or are no XML: control characters and
 * bidirectional overrides (the "Trojan Source" set) become U+FFFD, lone surrogates too. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(forbidden, '\uFFFD')
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}

const forbidden = /[^\P{Cc}\t\n]|[\u200E\u200F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/gu;

function sourceOf(content: Content): string {
  if (content === null || content === false) return '';
  if (typeof content === 'string') return escapeMarkup(content);
  if (typeof content === 'number') return String(content);
  if (Array.isArray(content)) return content.map(sourceOf).join('');
  return content.toString();
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}
