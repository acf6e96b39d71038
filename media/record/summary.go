package record

import (
	"time"

	"ringpace/media"
	"ringpace/media/quality"
	"ringpace/media/record/chain"
)

// Summary is what is known of a recording once it is closed.
type Summary struct {
	ID       string
	Path     string      // relative to the directory, with slashes
	Codec    media.Codec // of both channels in the file
	Start    time.Time   // of the first sample
	Duration time.Duration
	Bytes    int64
	// SHA256 of the file, in hex; of one that a crash cut off, of what was made of it.
	// It is of the file as it lies, encrypted where it is.
	SHA256 string
	// Chain names the line of the chain that vouches for the file; empty where the
	// summary is not of a recorder.
	Chain chain.Ref
	// Complete is false where the recording was cut off.
	Complete bool
	// Encrypted is of the file.
	Encrypted bool
	// Measured is false where the figures below are not known: of a file that was found,
	// encrypted, after a crash that took them.
	Measured bool

	Left, Right Channel // the customer, the agent
	// Quality is what it sounds like.
	Quality quality.Figures
	Pauses  []Span
	// Dropped counts packets that found no room in memory while the disk stalled. They
	// are among the lost, unless nothing came behind them.
	Dropped int64
	// Unwritten are the stretches in which something came that the file does not have,
	// since the disk failed or stalled for longer than memory lasts. The file has silence
	// there, of the channel concerned or of both, and a mark. They are not among the gaps.
	Unwritten []Span
}

// UnwrittenTotal is the length of what the file lacks through the disk's fault.
func (s Summary) UnwrittenTotal() time.Duration {
	total := time.Duration(0)
	for _, u := range s.Unwritten {
		total += u.Length
	}
	return total
}

// Channel is one party's side of a recording.
type Channel struct {
	DBFS     float64 // mean level of what was received, 0 is full scale, at least MinLevel
	Received int64   // packets
	Lost     int64   // packets that never came, by sequence number
	GapTotal time.Duration
	Gaps     []Span // silence put in for lost packets; the first 4096
	// Cut are the stretches at which packets came whose place was taken by others, since
	// they came earlier than those before them let expect. They are not in the recording.
	Cut      []Span // the first 4096
	CutTotal time.Duration
}

// Span is a stretch of a recording, from its start.
type Span struct{ At, Length time.Duration }

// Gaps is the silence put in for what never came, both channels together.
func (s Summary) Gaps() time.Duration { return s.Left.GapTotal + s.Right.GapTotal }

// CutTotal is what came and has no place, both channels together.
func (s Summary) CutTotal() time.Duration { return s.Left.CutTotal + s.Right.CutTotal }

// entry is the recording's line in the chain.
func (s Summary) entry(kind chain.Kind) chain.Entry {
	return chain.Entry{
		Kind: kind, ID: s.ID, Path: s.Path, Start: s.Start.UTC(), DurationMS: s.Duration.Milliseconds(),
		Bytes: s.Bytes, SHA256: s.SHA256, Why: whyLacking(s.UnwrittenTotal()),
	}
}

// channelSummary gives the figures of a track.
func (t *track) channelSummary() Channel {
	return Channel{
		DBFS: t.level.dbfs(), Received: t.sequence.cameTotal, Lost: t.sequence.lost(),
		GapTotal: duration(t.gaps.total), Gaps: spans(t.gaps.spans),
		CutTotal: duration(t.cut.total), Cut: spans(t.cut.spans),
	}
}

func spans(in []span) []Span {
	out := make([]Span, 0, len(in))
	for _, s := range in {
		out = append(out, Span{At: duration(s.at), Length: duration(s.length)})
	}
	return out
}

// duration of a number of samples.
func duration(samples int64) time.Duration {
	return time.Duration(samples) * (time.Second / media.ClockRate)
}

// sampleCount is how many samples pass in d.
func sampleCount(d time.Duration) int64 { return int64(d / (time.Second / media.ClockRate)) }
