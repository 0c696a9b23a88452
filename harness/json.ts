/** Plain data: what may be written to a manifest, sent to a role, printed in a report. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
