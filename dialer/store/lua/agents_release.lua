-- Gives up the leases of agents.
-- KEYS 1 leases
-- ARGV 1 boot; then the agents
-- Result: how many were ours.
local n = 0
for i = 2, #ARGV do
  local boot = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^(%S+) ')
  if boot == ARGV[1] then n = n + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return n
