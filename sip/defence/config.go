package defence

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ErrConfig is wrapped by the errors for limits that make no sense.
var ErrConfig = errors.New("defence")

// Config are the limits. Take Default and change what is to be different.
type Config struct {
	Allow []netip.Prefix // trusted, as trunks are
	Deny  []netip.Prefix // never heard, not even trunks

	// Silence drops requests of strangers that belong to no dialog, instead of
	// answering them.
	Silence bool

	// Registers lets REGISTER pass in spite of Silence: phones come from anywhere.
	Registers bool

	Rate  float64 // messages a second that one source may send
	Burst int     // messages that it may send at once
	Total float64 // messages a second of all strangers together

	Scanners []string // words of User-Agents that are not heard, in any case

	Hits     int // messages with a scanner's marks before a ban
	Failures int // failed digests before a ban
	Refusals int // refused requests before a ban

	Ban     time.Duration // how long the first ban lasts; each further one twice as long
	LongBan time.Duration // the longest

	Connections    int           // that one source may have open
	AllConnections int           // that all strangers may have open together
	Whole          time.Duration // in which a message must be complete, and the first one on a connection
	Idle           time.Duration // that a stranger's connection may be silent
}

// Default are limits that an office behind one address, with a hundred phones that
// all start at once, does not meet.
func Default() Config {
	return Config{
		Rate: 50, Burst: 400, Total: 1000,
		Scanners: Scanners(),
		Hits:     3, Failures: 10, Refusals: 20,
		Ban: 5 * time.Minute, LongBan: 24 * time.Hour,
		Connections: 200, AllConnections: 2000,
		Whole: 10 * time.Second, Idle: 3 * time.Minute,
	}
}

func (c *Config) check() error {
	switch {
	case !(c.Rate > 0) || c.Burst < 1 || !(c.Total > 0):
		return fmt.Errorf("%w: a rate of %v, a burst of %d and a total of %v: all must be above 0", ErrConfig, c.Rate, c.Burst, c.Total)
	case c.Hits < 1 || c.Failures < 1 || c.Refusals < 1:
		return fmt.Errorf("%w: bans after %d hits, %d failures, %d refusals: all must be above 0", ErrConfig, c.Hits, c.Failures, c.Refusals)
	case c.Ban <= 0 || c.LongBan < c.Ban:
		return fmt.Errorf("%w: bans of %s to %s", ErrConfig, c.Ban, c.LongBan)
	case c.Connections < 1 || c.AllConnections < 1 || c.Whole <= 0 || c.Idle <= 0:
		return fmt.Errorf("%w: %d connections of a source, %d of all, %s for a message, %s of silence: all must be above 0",
			ErrConfig, c.Connections, c.AllConnections, c.Whole, c.Idle)
	}
	for _, w := range c.Scanners {
		if strings.TrimSpace(w) == "" {
			return fmt.Errorf("%w: an empty word among the scanners would drop everything", ErrConfig)
		}
	}
	return nil
}
