-- Renews a node's reservation, and reads what windows are made of.
-- KEYS 1 ledger, 2 reserved, then ledgers of dates
-- ARGV 1 boot, 2 amount to reserve, 3 for how many ms
-- Result: ms now, sum of the others' reservations, first date or empty, then for each
-- of those ledgers a list of fields and values.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)

local function split(reservation)
  local till, amount = string.match(reservation or '', '^(%d+) (%S+)$')
  return tonumber(till) or 0, tonumber(amount) or 0
end
-- Whoever has lapsed too cannot say of others that they are dead.
local here = split(redis.call('HGET', KEYS[2], ARGV[1])) > now
local others = 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local till, amount = split(all[i + 1])
  if all[i] == ARGV[1] then -- our own
  elseif till <= now and here then
    redis.call('HDEL', KEYS[2], all[i])
  else
    others = others + amount
  end
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%d %s', now + tonumber(ARGV[3]), ARGV[2]))

local result = { now, string.format('%.17g', others), redis.call('HGET', KEYS[1], 'first') or '' }
for i = 3, #KEYS do result[i + 1] = redis.call('HGETALL', KEYS[i]) end
return result
