-- Ends a call that came in: writes its call detail record, remembers who talked with
-- the caller, and keeps the callback that they asked for. Exactly once for an id.
-- KEYS 1 calls that came in, 2 calls that came in and have ended, 3 counters, 4 cdrs, 5 numbers,
--      6 further numbers, 7 ids, 8 waiting, 9 ready, 10 claimed, 11 done, 12 campaign,
--      13 numbers that call, 14 who talked last with the number
-- ARGV 1 id of the call, 2 outcome, 3 record JSON, 4 longest cdrs stream (0: any),
--      5 the agent who talked with the caller (or empty), 6 for how many ms to remember
--      them, 7 the caller's number, 8 when a callback was asked for, ms (or 0: none),
--      9 when it is due, ms, 10 its priority, 11 prefix of lead keys, 12 id and 13 JSON
--      of a new lead for a caller whom nobody knows, 14 where they talked with an agent,
--      what becomes of their lead: "due" or "done" (else empty), 15 due ms, 16 the call's
--      line among the numbers that call; then pairs: counter, amount
-- Result: "written" or "repeat" (the id has ended before).
local now = now_ms()
local was_open = redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1]) == 0 then return 'repeat' end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -10001)
if was_open == 0 then redis.call('HINCRBY', KEYS[3], 'in:started', 1) end
forget_call(KEYS[13], ARGV[7], ARGV[16])
redis.call('HINCRBY', KEYS[3], 'in:' .. ARGV[2], 1)
for i = 17, #ARGV, 2 do redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1]) end
if ARGV[5] ~= '' then redis.call('SET', KEYS[14], ARGV[5], 'PX', ARGV[6]) end
if ARGV[4] == '0' then
  redis.call('XADD', KEYS[4], '*', 'cdr', ARGV[3])
else
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'cdr', ARGV[3])
end
if ARGV[8] == '0' and ARGV[14] == '' then return 'written' end

local num, due, prio = ARGV[7], tonumber(ARGV[9]), tonumber(ARGV[10])
local id = redis.call('HGET', KEYS[5], num) or redis.call('HGET', KEYS[6], num)
local key = ARGV[11] .. (id or ARGV[12])
local f = redis.call('HMGET', key, 'state', 'prio', 'gone')
if ARGV[14] ~= '' then
  redis.call('HDEL', key, 'asked', 'asks') -- they were reached
  if ARGV[8] == '0' then
    if f[1] == 'ready' or f[1] == 'waiting' or f[1] == 'claimed' then -- a claim ends, so that nobody dials them
      take(KEYS[9], KEYS[8], KEYS[10], key, id, f[1])
      if ARGV[14] == 'done' then
        redis.call('HSET', key, 'state', 'done')
        redis.call('ZADD', KEYS[11], now, id)
      else
        place(KEYS[9], KEYS[8], key, id, tonumber(ARGV[15]), now)
      end
    end
    return 'written'
  end
end
if not f[1] then
  id = ARGV[12]
  redis.call('HSET', KEYS[5], num, id)
  local seq = redis.call('HINCRBY', KEYS[12], 'seq', 1)
  redis.call('ZADD', KEYS[7], seq, id)
  redis.call('HSET', key, 'lead', ARGV[13], 'v', 1, 'seq', seq, 'num', num, 'n', 0)
elseif f[1] == 'withdrawn' or f[3] then
  return 'written' -- taken out for good: whoever did that knows why
end
if f[1] == 'ready' or f[1] == 'waiting' then
  take(KEYS[9], KEYS[8], KEYS[10], key, id, f[1])
elseif f[1] == 'done' then
  redis.call('ZREM', KEYS[11], id)
end
redis.call('HSET', key, 'asked', ARGV[8], 'asks', num, 'prio', math.max(tonumber(f[2]) or 0, prio))
redis.call('HDEL', key, 'why')
if f[1] ~= 'claimed' and f[1] ~= 'dialing' then -- else they are being called just now
  place(KEYS[9], KEYS[8], key, id, due, now)
end
redis.call('HINCRBY', KEYS[3], 'in:callbacks', 1)
return 'written'
