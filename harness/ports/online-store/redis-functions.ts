/**
 * What the online store's port asks of Redis beyond its commands, as functions of the server (FUNCTION LOAD, Redis 7): a call is one of them,
 * so it is one step for everybody else, and one transaction of the append-only file: after a kill it is there whole or
 * not at all. What travels is laid out in row-blocks.ts. A table is a hash of records by key and, for scans, the keys
 * in a sorted set, which orders members of equal score by their bytes. Event time is reckoned from the server's own time
 * (TIME), by where the clock was last set.
 */
export interface StoreNames {
  readonly library: string;
  readonly functions: string;
  readonly put: string;
  readonly now: string;
  readonly scan: string;
  readonly clockKey: string;
  rowsKey(table: string): string;
  namesKey(table: string): string;
  /** Of all keys, for a pattern. */
  readonly everyKey: string;
}

/** `library`: letters, digits and underscores; of a store that others have, too, another one than theirs. */
export function storeNames(library = 'planebench'): StoreNames {
  return {
    library,
    functions: functions.replaceAll('planebench', library),
    put: `${library}_put`,
    now: `${library}_now`,
    scan: `${library}_scan`,
    clockKey: `${library}:clock`,
    rowsKey: (table) => `${library}:rows:${table}`,
    namesKey: (table) => `${library}:keys:${table}`,
    everyKey: `${library}:*`,
  };
}

const functions = `#!lua name=planebench

-- Rows of a page: unpack() takes some thousands of values at most (LUAI_MAXCSTACK).
local atOnce = 1000

local function paddingOf(bytes)
  return string.rep('\\0', (-bytes) % 8)
end

-- The clock: epochUs f64 | the server's time at which it began to run, f64, or below 0: it stands.
local function eventTimeUs(key)
  local clock = redis.call('GET', key)
  if not clock then return -math.huge, false end
  local epochUs, zeroUs = struct.unpack('<dd', clock)
  if zeroUs < 0 then return epochUs, false end
  local time = redis.call('TIME')
  return epochUs + math.max(0, time[1] * 1000000 + time[2] - zeroUs), true
end

local function expiresUs(record)
  return (struct.unpack('<d', record, 17))
end

-- Most rows are newer by their seq alone; each look into a record is a call.
local function isNewer(record, held, nowUs)
  local read = struct.unpack
  local seq, heldSeq = read('<d', record), read('<d', held)
  if seq > heldSeq or read('<d', held, 17) < nowUs then return true end
  return seq == heldSeq and read('<d', record, 9) > read('<d', held, 9)
end

local function packLengths(parts, count)
  local lengths = {}
  for i = 1, count do lengths[i] = struct.pack('<I4', #parts[i]) end
  return table.concat(lengths) .. paddingOf(4 * count)
end

local function packRecords(records, count)
  local parts = {packLengths(records, count)}
  for i = 1, count do
    parts[2 * i] = records[i]
    parts[2 * i + 1] = paddingOf(#records[i])
  end
  return table.concat(parts)
end

-- By parts, in each of which no key comes twice: its count of rows, and its pairs, which HSET takes as they are.
redis.register_function('planebench_put', function(keys, args)
  local nowUs = eventTimeUs(keys[3])
  local written = 0
  for part = 1, #args, 2 do
    local count = tonumber(args[part])
    local fields = {struct.unpack('<' .. string.rep('I4c0', 2 * count), args[part + 1])}
    local names = {}
    for i = 1, count do names[i] = fields[2 * i - 1] end
    local stored = redis.call('HMGET', keys[1], unpack(names))
    local added, adds, puts = {}, 0, 0
    for i = 1, count do
      local name, record, held = names[i], fields[2 * i], stored[i]
      if not held then
        added[adds + 1], added[adds + 2] = 0, name
        adds = adds + 2
      end
      if not held or isNewer(record, held, nowUs) then
        fields[puts + 1], fields[puts + 2] = name, record
        puts = puts + 2
      end
    end
    if puts > 0 then redis.call('HSET', keys[1], unpack(fields, 1, puts)) end
    if adds > 0 then redis.call('ZADD', keys[2], unpack(added)) end
    written = written + puts / 2
  end
  return written
end)

-- Event time f64 | by how much it goes on while the server's does, f64: 1, or 0 where it stands.
redis.register_function{
  function_name = 'planebench_now',
  flags = {'no-writes'},
  callback = function(keys)
    local nowUs, isRunning = eventTimeUs(keys[1])
    return struct.pack('<dd', nowUs, isRunning and 1 or 0)
  end
}

redis.register_function{
  function_name = 'planebench_scan',
  flags = {'no-writes'},
  callback = function(keys, args)
    local limit, behind = tonumber(args[1]), args[2]
    local nowUs = eventTimeUs(keys[3])
    local names, records, count = {}, {}, 0
    while count < limit do
      local page = redis.call('ZRANGEBYLEX', keys[2], behind, '+', 'LIMIT', 0, math.min(limit, atOnce))
      if #page == 0 then break end
      local stored = redis.call('HMGET', keys[1], unpack(page))
      for i = 1, #page do
        if count < limit and expiresUs(stored[i]) >= nowUs then
          count = count + 1
          names[count], records[count] = page[i], stored[i]
        end
      end
      behind = '(' .. page[#page]
    end
    return {count, packLengths(names, count) .. table.concat(names), packRecords(records, count)}
  end
}
`;
