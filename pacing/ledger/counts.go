package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// Counts is how many calls were answered, and what became of them. Each call is in
// Answered, and in one of the others at most.
type Counts struct {
	Answered  int64 // by whomever or whatever
	Abandoned int64 // by a person, for whom no agent was there in time
	Machine   int64 // so said the agent who had the call
	Detected  int64 // machines, so said the audio
}

// Persons is how many calls were answered by a person, or by what was taken for one.
func (c Counts) Persons() int64 { return c.Answered - c.Machine - c.Detected }

func (c Counts) plus(o Counts) Counts {
	return Counts{c.Answered + o.Answered, c.Abandoned + o.Abandoned, c.Machine + o.Machine, c.Detected + o.Detected}
}

// The names of the counts in Redis.
const (
	answeredCount  = "answered"
	abandonedCount = "abandoned"
	machineCount   = "machine"
	detectedCount  = "detected"
)

// fields are what Redis holds of one date: COUNT:NODE -> so many. None ever falls.
type fields map[string]int64

// parseFields reads what HGETALL returned.
func parseFields(flat []any) (fields, error) {
	f := make(fields, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		name, _ := flat[i].(string)
		text, _ := flat[i+1].(string)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: %s is %q", ErrCount, name, text)
		}
		f[name] = n
	}
	return f, nil
}

// raise makes every field at least what o has. It returns those of f that o lacks, or
// has less of, and whether any of f has grown.
func (f fields) raise(o fields) (missing fields, grown bool) {
	for name, n := range f {
		if o[name] < n {
			if missing == nil {
				missing = make(fields)
			}
			missing[name] = n
		}
	}
	for name, n := range o {
		if f[name] < n {
			f[name], grown = n, true
		}
	}
	return missing, grown
}

// counts sums up over all nodes.
func (f fields) counts() (c Counts) {
	for name, n := range f {
		switch what, _, _ := strings.Cut(name, ":"); what {
		case answeredCount:
			c.Answered += n
		case abandonedCount:
			c.Abandoned += n
		case machineCount:
			c.Machine += n
		case detectedCount:
			c.Detected += n
		}
	}
	return c
}

// own are the counts of one node.
func (f fields) own(node string) Counts {
	return Counts{
		f[answeredCount+":"+node], f[abandonedCount+":"+node], f[machineCount+":"+node], f[detectedCount+":"+node],
	}
}

func ownFields(node string, c Counts) fields {
	f := make(fields)
	for name, n := range map[string]int64{
		answeredCount: c.Answered, abandonedCount: c.Abandoned, machineCount: c.Machine, detectedCount: c.Detected,
	} {
		if n > 0 {
			f[name+":"+node] = n
		}
	}
	return f
}
