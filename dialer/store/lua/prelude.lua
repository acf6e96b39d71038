-- Shared by every script: the Go side puts this text before each of them.
--
-- Fields of a lead's hash:
--   lead     JSON of what the list gave          v        version, raised by each change
--   seq      place in the order of import        prio     priority, higher is sooner
--   due      ms since the epoch                  state    ready|waiting|claimed|dialing|done|withdrawn
--   num      its first number                    epoch    campaign epoch of the claim
--   n        attempts so far                     today    attempts on the day of last
--   last     start of the last attempt, ms       attempt  id of the open attempt
--   ended    ids of its last 16 ended attempts   why      why it was put off
--   gone     1: withdrawn while being dialed     o:NAME   attempts that ended in outcome NAME
--   dead     numbers that do not exist
--   asked    when the person asked to be called, ms, and was not reached since
--   asks     the number that they asked from

-- now_ms is the Redis clock in milliseconds: every node goes by it.
local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- rank is a lead's member in the ready set. Scores order by priority, members
-- of equal score by their bytes: due time, then order of import.
local function rank(due, seq, id)
  return string.format('%013d%012d:', tonumber(due) or 0, tonumber(seq) or 0) .. id
end

-- place puts a lead that is in no set where its due time says.
local function place(ready, waiting, key, id, due, now)
  local f = redis.call('HMGET', key, 'prio', 'seq')
  if due <= now then
    redis.call('ZADD', ready, -(tonumber(f[1]) or 0), rank(due, f[2], id))
    redis.call('HSET', key, 'state', 'ready', 'due', due)
  else
    redis.call('ZADD', waiting, due, id)
    redis.call('HSET', key, 'state', 'waiting', 'due', due)
  end
end

-- take removes a lead from the set that its state names.
local function take(ready, waiting, claimed, key, id, state)
  if state == 'ready' then
    local f = redis.call('HMGET', key, 'due', 'seq')
    redis.call('ZREM', ready, rank(f[1], f[2], id))
  elseif state == 'waiting' then
    redis.call('ZREM', waiting, id)
  elseif state == 'claimed' then
    redis.call('ZREM', claimed, id)
  end
end

-- has_ended tells whether an attempt is among the lead's last ended ones.
local function has_ended(key, attempt)
  local ended = redis.call('HGET', key, 'ended')
  return ended and string.find(ended, attempt, 1, true) ~= nil
end

-- mark_ended remembers an attempt's end, so that its repeats are known.
local function mark_ended(key, attempt)
  local ids = { attempt }
  for id in string.gmatch(redis.call('HGET', key, 'ended') or '', '%S+') do
    if #ids < 16 then ids[#ids + 1] = id end
  end
  redis.call('HSET', key, 'ended', table.concat(ids, ' '))
end

-- forbidding is the entry of a do-not-call list that forbids a number; nil if none.
local function forbidding(number, numbers, prefixes)
  if redis.call('SISMEMBER', numbers, number) == 1 then return number end
  if redis.call('SCARD', prefixes) > 0 then
    for len = 1, #number do
      local prefix = string.sub(number, 1, len)
      if redis.call('SISMEMBER', prefixes, prefix) == 1 then return prefix .. '*' end
    end
  end
end

-- first_number splits a list of numbers into the first and the rest.
local function first_number(list)
  return string.match(list, '^(%S+)%s*(.*)$')
end

-- list_numbers says whose further numbers these are, where nobody else has them.
local function list_numbers(more, list, id)
  for num in string.gmatch(list, '%S+') do redis.call('HSETNX', more, num, id) end
end

-- note_call says that a number calls us: who calls is a line of the call's id and its
-- campaign, each call noted once.
local function note_call(calling, num, call)
  local all = redis.call('HGET', calling, num) or ''
  if not string.find('\n' .. all, '\n' .. call .. '\n', 1, true) then
    redis.call('HSET', calling, num, all .. call .. '\n')
  end
end

-- forget_call ends what note_call began.
local function forget_call(calling, num, call)
  local all = redis.call('HGET', calling, num) or ''
  local from, to = string.find('\n' .. all, '\n' .. call .. '\n', 1, true)
  if not from then return end
  all = string.sub(all, 1, from - 1) .. string.sub(all, to)
  if all == '' then
    redis.call('HDEL', calling, num)
  else
    redis.call('HSET', calling, num, all)
  end
end

-- who_calls is the number, of those of a lead and the one to be dialed, that calls us
-- just now; nil if none does.
local function who_calls(calling, lead, num)
  if redis.call('HLEN', calling) == 0 then return nil end
  if redis.call('HEXISTS', calling, num) == 1 then return num end
  for _, other in ipairs(cjson.decode(redis.call('HGET', lead, 'lead')).numbers) do
    if redis.call('HEXISTS', calling, other) == 1 then return other end
  end
end
