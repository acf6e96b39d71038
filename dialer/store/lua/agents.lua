-- Takes and renews the leases of agents: an agent belongs to one node.
-- KEYS 1 leases
-- ARGV 1 node, 2 boot, 3 lease ms; then the agents
-- Result: the agents that belong to another, each followed by its node.
local now, refused = now_ms(), {}
for i = 4, #ARGV do
  local boot, lapse, node = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^(%S+) (%d+) (.*)$')
  if boot and boot ~= ARGV[2] and node ~= ARGV[1] and tonumber(lapse) > now then
    refused[#refused + 1] = ARGV[i]
    refused[#refused + 1] = node
  else
    redis.call('HSET', KEYS[1], ARGV[i],
      ARGV[2] .. ' ' .. string.format('%d', now + tonumber(ARGV[3])) .. ' ' .. ARGV[1])
  end
end
return refused
