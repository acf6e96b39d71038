-- Replaces what a list said of a lead. A claim of it ends, so that an attempt
-- on its former version cannot start. A retry that is not due yet stays so: a change
-- does not shorten the delay after an attempt.
-- KEYS 1 lead, 2 numbers, 3 waiting, 4 ready, 5 claimed, 6 further numbers
-- ARGV 1 id, 2 version that is replaced (0: any), 3 numbers (separated by a blank), 4 priority, 5 due ms, 6 JSON
-- Result: the new version.
-- Errors: UNKNOWN, WITHDRAWN, CHANGED, DUPLICATE (with the lead that has the number)
local f = redis.call('HMGET', KEYS[1], 'lead', 'state', 'v', 'num', 'gone', 'n', 'due')
if not f[1] then return redis.error_reply('UNKNOWN no lead ' .. ARGV[1]) end
if f[2] == 'withdrawn' or f[5] then return redis.error_reply('WITHDRAWN the lead was withdrawn') end
if ARGV[2] ~= '0' and ARGV[2] ~= f[3] then
  return redis.error_reply('CHANGED the lead is at version ' .. f[3])
end
local num, further = first_number(ARGV[3])
if f[4] ~= num then
  if redis.call('HSETNX', KEYS[2], num, ARGV[1]) == 0 then
    return redis.error_reply('DUPLICATE ' .. redis.call('HGET', KEYS[2], num))
  end
  redis.call('HDEL', KEYS[2], f[4])
end
for _, old in ipairs(cjson.decode(f[1]).numbers) do
  if redis.call('HGET', KEYS[6], old) == ARGV[1] then redis.call('HDEL', KEYS[6], old) end
end
list_numbers(KEYS[6], further, ARGV[1])
local due = tonumber(ARGV[5])
if f[2] == 'waiting' and tonumber(f[6]) > 0 then due = math.max(due, tonumber(f[7])) end
take(KEYS[4], KEYS[3], KEYS[5], KEYS[1], ARGV[1], f[2])
redis.call('HSET', KEYS[1], 'lead', ARGV[6], 'num', num, 'prio', ARGV[4])
if f[2] == 'dialing' or f[2] == 'done' then
  redis.call('HSET', KEYS[1], 'due', due)
else
  place(KEYS[4], KEYS[3], KEYS[1], ARGV[1], due, now_ms())
end
return redis.call('HINCRBY', KEYS[1], 'v', 1)
