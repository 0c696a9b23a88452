/**
 * Vega compiles the expressions of a chart with `Function`, which a page may do only if its Content-Security-Policy
 * allows `unsafe-eval`. A report does not allow it: every function that its charts need is compiled while the report is
 * rendered, written into the page's one script, and looked up there. `expressionEvaluator` is what Vega takes as its
 * `expr` option; the same source runs here (where `compile` compiles and takes down) and in the page (where it looks up).
 *
 * Vega's own evaluators are vega-runtime's expression.js, whose contract this follows, and vega-interpreter.
 */

/** Makes a function of these parameter names and this body. */
export type Compile = (parameters: string, body: string) => (...values: never[]) => unknown;

/** Functions by parameters and body, as the page holds them. */
export interface Compiled {
  readonly compile: Compile;
  /** A JavaScript expression: an array of [key, function]. */
  source(): string;
}

export function recordingCompiler(): Compiled {
  const functions = new Map<string, { parameters: string; body: string; call: ReturnType<Compile> }>();
  return {
    compile(parameters, body) {
      const key = `${parameters}:${body}`;
      let known = functions.get(key);
      if (known === undefined) {
        known = { parameters, body, call: new Function(parameters, body) as ReturnType<Compile> };
        functions.set(key, known);
      }
      return known.call;
    },
    source() {
      const entries = [...functions].map(
        ([key, { parameters, body }]) => `[${JSON.stringify(key)},function(${parameters}){${body}}]`,
      );
      return `[${entries.join(',\n')}]`;
    },
  };
}

interface Context {
  readonly functions?: object;
}
interface Expression {
  readonly code: string;
}
type Item = Record<string, number | undefined>;

/** Self-contained: the page gets its source by `toString`. */
export function expressionEvaluator(compile: Compile) {
  const bound = (context: Context | null, parameters: string, body: string) => {
    const call = compile(parameters, body);
    return context?.functions ? call.bind(context.functions as never) : call;
  };
  const value = (context: Context | null, parameters: string, code: string) =>
    bound(context, parameters, code.endsWith(';') ? code : `return(${code});`);
  return {
    operator: (context: Context, expression: Expression) => value(context, '_', expression.code),
    parameter: (context: Context, expression: Expression) => value(context, 'datum,_', expression.code),
    event: (context: Context, expression: Expression) => value(context, 'event', expression.code),
    handler: (context: Context, expression: Expression) =>
      bound(context, '_,event', `var datum=event.item&&event.item.datum;return(${expression.code});`),
    encode(context: Context, encode: { marktype: string; channels: Record<string, Expression> }) {
      const { marktype, channels } = encode;
      const setters = Object.keys(channels).map(
        (name) => [name, bound(context, 'item,_', `var datum=item.datum;return(${channels[name]!.code});`)] as const,
      );
      const swaps = marktype === 'group' || marktype === 'image' || marktype === 'rect';
      const spatial = marktype !== 'rule';
      const both = (a: string, b: string) => channels[a] !== undefined && channels[b] !== undefined;
      /** Two ends, or an end, or a centre, to a start and a size. */
      const place = (item: Item, start: string, end: string, centre: string, size: string) => {
        if (both(start, end)) {
          if (swaps && item[start]! > item[end]!) [item[start], item[end]] = [item[end], item[start]];
          item[size] = item[end]! - item[start]!;
        } else if (channels[end] !== undefined) {
          item[start] = item[end]! - (item[size] || 0);
        }
        if (channels[centre] !== undefined) item[start] = item[centre]! - (item[size] || 0) / 2;
      };
      return (item: Item, parameters: unknown) => {
        let modified = 0;
        for (const [name, call] of setters) {
          const next = (call as (item: Item, parameters: unknown) => number | undefined)(item, parameters);
          if (item[name] !== next) {
            item[name] = next;
            modified = 1;
          }
        }
        if (spatial) {
          place(item, 'x', 'x2', 'xc', 'width');
          place(item, 'y', 'y2', 'yc', 'height');
        }
        return modified;
      };
    },
    codegen: {
      get(path: string[]) {
        const get = (datum: unknown) => {
          let found = datum as Record<string, unknown>;
          for (const name of path) found = found[name] as Record<string, unknown>;
          return found;
        };
        return Object.assign(get, { path: `[${path.map((name) => JSON.stringify(name)).join('][')}]` });
      },
      /** Nulls first, then NaN, then by value; dates by their time. */
      comparator(fields: ((datum: unknown) => unknown)[], orders: number[]) {
        return (a: unknown, b: unknown) => {
          for (let i = 0; i < fields.length; i++) {
            let u = fields[i]!(a) as number;
            let v = fields[i]!(b) as number;
            const order = orders[i]!;
            if ((u < v || u == null) && v != null) return -order;
            if ((u > v || v == null) && u != null) return order;
            u = (u as unknown) instanceof Date ? +u : u;
            v = (v as unknown) instanceof Date ? +v : v;
            if (Number.isNaN(u) !== Number.isNaN(v)) return Number.isNaN(u) ? -order : order;
          }
          return 0;
        };
      },
    },
  };
}
