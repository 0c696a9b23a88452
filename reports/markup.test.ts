import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { escapeMarkup, html, json, printable, trusted } from './markup.js';

it('escapes what is put in, in text and in attributes', () => {
  const name = `"><img src=x onerror='alert(1)'>&amp;`;
  const page = html`<p title="${name}">${name}</p>`.toString();
  expect(page).toBe(
    '<p title="&#34;&#62;&#60;img src=x onerror=&#39;alert(1)&#39;&#62;&#38;amp;">&#34;&#62;&#60;img src=x onerror=&#39;alert(1)&#39;&#62;&#38;amp;</p>',
  );
});

it('leaves markup alone, joins lists, and drops what is absent', () => {
  expect(
    html`<ul>${['a', 'b'].map((x) => html`<li>${x}</li>`)}${null}${false}${trusted('<hr>')}${3}</ul>`.toString(),
  ).toBe('<ul><li>a</li><li>b</li><hr>3</ul>');
});

it('lets no text become markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(escapeMarkup(text)).not.toMatch(/[<>"']|&(?!#\d+;)/);
    }),
  );
});

it('writes JSON that reads back and cannot end its script', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('</script>', '<!--', '\u2028'), (value, hostile) => {
      const source = json([value, hostile]).toString();
      expect(source).not.toMatch(/[<\u2028\u2029]/);
      expect(JSON.stringify(JSON.parse(source))).toBe(JSON.stringify([value, hostile]));
      expect(JSON.stringify(runInNewContext(`(${source.replaceAll('__proto__', 'proto')})`))).toBeDefined();
    }),
  );
});

it('takes the teeth out of control characters and bidirectional overrides', () => {
  expect(printable('a\u001b[31mb\u202Ec\r\nd\te\u0000')).toBe('a\uFFFD[31mb\uFFFDc\nd\te\uFFFD');
  expect(printable('\uD83D\uDE00 \uD83D')).toBe('\uD83D\uDE00 \uFFFD');
});
