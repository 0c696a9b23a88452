import { describe, expect, it } from 'vitest';
import { UsageError } from '../../harness/errors.js';
import lakehouse from './index.js';

describe('parameters of the lakehouse', () => {
  it('has a default for each and prints them resolved', () => {
    expect(lakehouse().params).toEqual(lakehouse(null).params);
    expect(lakehouse({ cacheTtlUs: 0 }).params).toEqual({ ...(lakehouse().params as object), cacheTtlUs: 0 });
  });

  it.each([
    [{ batchInterval: 1 }, /lakehouse: .*"batchInterval".*Parameters: batchIntervalUs, /],
    [{ batchRows: 0 }, /lakehouse\.batchRows: .*>=1.*Given: \{"batchRows":0\}/],
    [{ batchRows: 1.5 }, /lakehouse\.batchRows: /],
    [{ cacheTtlUs: '1s' }, /lakehouse\.cacheTtlUs: .*expected number/],
    [[], /lakehouse: /],
  ])('refuses %j and says where, what was given and what is allowed', (params, message) => {
    expect(() => lakehouse(params)).toThrow(UsageError);
    expect(() => lakehouse(params)).toThrow(message);
  });

  it('has one role that ingests', () => {
    expect(
      lakehouse()
        .roles.filter(({ ingests }) => ingests)
        .map(({ name }) => name),
    ).toEqual(['stream']);
  });
});
