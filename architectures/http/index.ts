/** Any system that answers over HTTP, in any language, as a plane. README.md is the whole protocol. */
import type { ArchitectureFactory } from '../../harness/architecture.js';
import { adapt } from './adapter.js';
import { resolveHttpParams } from './params.js';

const http: ArchitectureFactory = (given) => {
  const params = resolveHttpParams(given);
  return {
    name: 'http',
    params,
    uses: ['changeLog', 'tables'],
    outside: true,
    roles: [{ name: 'adapter', ingests: true, run: (context) => adapt(context, params) }],
  };
};

export default http;
