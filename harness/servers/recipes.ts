/** All programs that `npm run stack:install` gets, and `planebench doctor` looks for. */
import { kafka } from './kafka.js';
import { postgres } from './postgres.js';
import type { Recipe } from './programs.js';
import { redis } from './redis.js';
import { toxiproxy } from './toxiproxy.js';
import { versitygw } from './versitygw.js';

export const recipes: readonly Recipe[] = [kafka, redis, versitygw, toxiproxy, postgres];
