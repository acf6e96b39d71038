package lead

import (
	"fmt"
	"time"
	_ "time/tzdata" // a minimal container has no time zones of its own, and calling hours need them

	"github.com/nyaruka/phonenumbers"
)

// Zones are the time zones in which the person whom number reaches may be: the
// lead's own where it names one, else every zone that the number's prefix is used
// in. It is empty where neither tells, and the zones of a number may be many
// (a toll-free one: all of a continent).
func (l *Lead) Zones(number string) []*time.Location {
	if l.TimeZone != "" {
		if z, err := LoadZone(l.TimeZone); err == nil {
			return []*time.Location{z}
		}
	}
	names, err := phonenumbers.GetTimezonesForPrefix(number)
	if err != nil {
		return nil
	}
	zones := make([]*time.Location, 0, len(names))
	for _, n := range names {
		if n == phonenumbers.UNKNOWN_TIMEZONE {
			return nil
		}
		if z, err := time.LoadLocation(n); err == nil {
			zones = append(zones, z)
		}
	}
	return zones
}

// LoadZone returns the zone of that IANA name, such as Asia/Shanghai. Unlike
// time.LoadLocation it knows no "" and no "Local": neither is the callee's.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("lead: %q is not a time zone", name)
	}
	return time.LoadLocation(name)
}
