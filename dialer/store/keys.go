package store

import (
	"fmt"
	"strings"
)

// Keys that belong to no campaign, trunk or pool.
const (
	nodesKey       = "{ringpace}:nodes"     // hash: node -> boot and lapse
	campaignsKey   = "{ringpace}:campaigns" // set of names
	dncKey         = "{ringpace}:dnc"
	dncPrefixKey   = "{ringpace}:dnc:prefix"
	dncRevisionKey = "{ringpace}:dnc:revision"
)

// space is the keys of one campaign, trunk or agent pool: all have its hash tag
// and so live in one slot.
type space string

func (s space) key(name string) string { return string(s) + name }

func (s space) keys(names ...string) []string {
	for i, name := range names {
		names[i] = s.key(name)
	}
	return names
}

// talk is the key that names the agent who talked last with a number.
func (s space) talk(number string) string { return string(s) + "talk:" + number }

func (s space) lead(id string) string { return string(s) + "lead:" + id }

// A brace in a name would end the hash tag early.
func makeSpace(kind, name string) (space, error) {
	if name == "" || strings.ContainsAny(name, "{}\r\n") {
		return "", fmt.Errorf("%w: %q (it may not be empty nor hold braces)", ErrName, name)
	}
	return space("{" + kind + ":" + name + "}:"), nil
}

func campaignSpace(name string) (space, error) { return makeSpace("c", name) }
func trunkSpace(name string) (space, error)    { return makeSpace("t", name) }
func nodeSpace(name string) (space, error)     { return makeSpace("r", name) }
func poolSpace(name string) (space, error)     { return makeSpace("a", name) }
