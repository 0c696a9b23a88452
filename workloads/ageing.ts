/**
 * What a row that has not changed says a little later. Windows begin at the border of a tile, and a row holds no event
 * that is later than it, so until the next border of the shortest tile nothing leaves or enters a window: ages grow, and
 * that is all. Whoever is asked for the same rows again and again need not add them up each time.
 */
import type { FeatureView } from './feature-view.js';

export interface Evaluated {
  readonly asOfUs: number;
  readonly features: readonly (number | null)[];
}

/** The features at `asOfUs` of a row that was evaluated before; null: a tile has ended since, it has to be evaluated anew. */
export type Age = (evaluated: Evaluated, asOfUs: number) => (number | null)[] | null;

export function createAgeing({ features }: FeatureView): Age {
  const ages = features.flatMap(({ kind }, i) => (kind === 'age' ? [i] : []));
  const tileUs = Math.min(...features.flatMap((feature) => ('window' in feature ? [feature.window.tileUs] : [])));
  const tileOf = (timeUs: number) => Math.floor(timeUs / tileUs);
  return (evaluated, asOfUs) => {
    if (tileOf(evaluated.asOfUs) !== tileOf(asOfUs)) return null;
    const aged = evaluated.features.slice();
    for (const i of ages) {
      const ageUs = aged[i] as number | null;
      if (ageUs !== null) aged[i] = ageUs + asOfUs - evaluated.asOfUs;
    }
    return aged;
  };
}
