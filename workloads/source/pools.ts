/**
 * Texts of the generated rows. Faker is seeded and fills the pools once; rows hold indices into them. Its output
 * depends on its version, which package.json pins.
 */
// The package's own door brings all of its locales: 17 MB that every process would carry, and a quarter of a second.
import { faker } from '@faker-js/faker/locale/en';

export interface Pools {
  readonly names: readonly string[];
  /** Local part and domain; customer 7 with entry ['ada', 'example.org'] is ada.7@example.org. */
  readonly emails: readonly (readonly [local: string, domain: string])[];
  readonly phones: readonly string[];
  readonly userAgents: readonly string[];
  readonly pages: readonly string[];
}

const people = 2_000;
const userAgents = 100;
const pages = 300;

export function fillPools(seed: number): Pools {
  faker.seed(seed);
  faker.setDefaultRefDate('2025-01-01T00:00:00.000Z');
  return {
    names: fill(people, () => faker.person.fullName()),
    emails: fill(people, () => faker.internet.exampleEmail().toLowerCase().split('@') as [string, string]),
    phones: fill(people, () => faker.phone.number({ style: 'international' })),
    userAgents: fill(userAgents, () => faker.internet.userAgent()),
    pages: fill(pages, () => `/${faker.helpers.slugify(faker.commerce.productName()).toLowerCase()}`),
  };
}

export function emailOf(pools: Pools, customer: number, index: number): string {
  const [local, domain] = pools.emails[index] as readonly [string, string];
  return `${local}.${customer}@${domain}`;
}

function fill<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
