-- Adds leads to a campaign.
-- KEYS 1 ids, 2 numbers, 3 waiting, 4 ready, 5 campaign, 6 further numbers
-- ARGV 1 prefix of lead keys; then for each lead: id, numbers (separated by a blank),
--      priority, due ms, JSON
-- Result: positions (from 1) of the leads that are in the campaign already, by
-- id or by first number; those are left as they were.
local now, dups, at = now_ms(), {}, 0
for i = 2, #ARGV, 5 do
  at = at + 1
  local id, prio, due = ARGV[i], ARGV[i + 2], tonumber(ARGV[i + 3])
  local num, further = first_number(ARGV[i + 1])
  local key = ARGV[1] .. id
  if redis.call('ZSCORE', KEYS[1], id) or redis.call('HSETNX', KEYS[2], num, id) == 0 then
    dups[#dups + 1] = at
  else
    local seq = redis.call('HINCRBY', KEYS[5], 'seq', 1)
    redis.call('ZADD', KEYS[1], seq, id)
    local state = 'waiting'
    if due <= now then
      state = 'ready'
      redis.call('ZADD', KEYS[4], -tonumber(prio), rank(due, seq, id))
    else
      redis.call('ZADD', KEYS[3], due, id)
    end
    redis.call('HSET', key, 'lead', ARGV[i + 4], 'v', 1, 'seq', seq, 'prio', prio, 'due', due,
      'num', num, 'state', state, 'n', 0)
    list_numbers(KEYS[6], further, id)
  end
end
return dups
