package dialer

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/media"
	"ringpace/media/quality"
	"ringpace/media/record"
	"ringpace/media/record/chain"
	"ringpace/media/record/upload"
	"ringpace/sip/trace"
)

// equipment is what every actor works with. It does not change while the daemon
// runs.
type equipment struct {
	node          string
	store         *store.Store
	engine        *media.Engine
	recorder      *record.Recorder // nil: nothing is recorded
	uploader      *upload.Uploader // nil: recordings stay here
	recordings    string           // their directory
	keepUnbridged bool             // also those of calls that no agent took
	disclosure    atomic.Pointer[disclosure]
	mediaTimeout  time.Duration // a leg without audio for so long is dead; 0: never
	floor         *floor
	ledger        books
	board         *switchboard
	feed          *api.Feed
	metrics       *api.Metrics
	wire          *trace.Recorder // nil: no messages are kept
}

// loadMessage returns a campaign's message to an abandoned person; nil where none is to be
// played.
func loadMessage(c *config.Campaign) (*media.Prompt, error) {
	switch c.Message {
	case config.MessageOff:
		return nil, nil
	case config.MessageDefault:
		return media.SafeHarbour(media.Language(c.Language)), nil
	}
	return readPrompt(c.Message)
}

// readPrompt reads a WAV file.
func readPrompt(name string) (*media.Prompt, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := media.LoadPrompt(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// recordingOf is a recording's entry in the call detail record. What it sounds like is not
// known of one that was cut off and is encrypted.
func (e *equipment) recordingOf(s record.Summary) *cdr.Recording {
	rec := &cdr.Recording{
		Path: s.Path, Encrypted: s.Encrypted, DurationMS: s.Duration.Milliseconds(), Bytes: s.Bytes, SHA256: s.SHA256,
		LeftDBFS: s.Left.DBFS, RightDBFS: s.Right.DBFS, LostLeft: s.Left.Lost, LostRight: s.Right.Lost,
		GapsMS: s.Gaps().Milliseconds(), CutMS: s.CutTotal().Milliseconds(), Chain: s.Chain.String(),
		UnwrittenMS: s.UnwrittenTotal().Milliseconds(), Dropped: s.Dropped,
	}
	if s.Measured {
		rec.Quality = &cdr.Quality{
			Left: voiceOf(s.Quality.Left, s.Codec), Right: voiceOf(s.Quality.Right, s.Codec),
			Silence: s.Quality.Silence, TalkOver: s.Quality.TalkOver,
		}
	}
	if e.uploader != nil {
		rec.Object = e.uploader.Object(s.Path)
	}
	return rec
}

func voiceOf(v quality.Voice, law media.Codec) cdr.Voice {
	voice := cdr.Voice{Talk: v.Talk, Clipped: v.Clipped}
	if v.Active > quality.MinLevel {
		dBm0 := quality.DBm0(v.Active, law)
		voice.ActiveDBov, voice.ActiveDBm0 = &v.Active, &dBm0
	}
	if v.FirstWord >= 0 {
		after := v.FirstWord.Milliseconds()
		voice.FirstWordMS = &after
	}
	return voice
}

// salvageRecording makes whole what a crash left of a recording. It returns nil
// where nothing was written, somebody refused to be recorded, or no agent had come and
// such recordings are not kept.
func (e *equipment) salvageRecording(rec cdr.Record) (*cdr.Recording, error) {
	sum, err := record.Find(e.recordings, rec.ID)
	if errors.Is(err, record.ErrNotFound) {
		return e.clearedRecording(rec.ID)
	}
	if errors.Is(err, record.ErrEmpty) {
		return nil, e.removeEmptyRecording(rec.ID)
	}
	why := ""
	switch {
	case rec.Consent == cdr.ConsentRefused:
		why = whyRefused
	case slices.ContainsFunc(rec.Transfers, partyRefused):
		why = whyPartyRefused
	case rec.Marks.AgentAudio.IsZero() && !e.keepUnbridged:
		why = "no agent took the call that a crash cut off"
	}
	if err == nil && e.recorder != nil && why != "" {
		err = e.recorder.Remove(rec.ID, sum.Path, why)
		if !errors.Is(err, chain.ErrHeld) {
			return nil, err
		}
		err = nil
	}
	return e.recordingOf(sum), err
}

// removeEmptyRecording removes a file that a crash left before anything was written to it,
// with a line in the chain that says so. What the chain does not know of stays.
func (e *equipment) removeEmptyRecording(id string) error {
	x, err := chain.Load(e.recordings)
	if err != nil {
		return err
	}
	it, listed := x.ID(id)
	if !listed || e.recorder == nil {
		return nil
	}
	return e.recorder.Remove(id, it.Path, "a crash came before anything was recorded")
}

// partyRefused reports whether a third party's refusal ended the recording. One who was let
// go before they took part leaves it as it is.
func partyRefused(t cdr.Transfer) bool {
	return t.Consent == cdr.ConsentRefused && t.Reason != whyLetGo
}

// clearedRecording is what the chain tells of a recording whose file was removed because
// it has been uploaded; nil where there is no such recording.
func (e *equipment) clearedRecording(id string) (*cdr.Recording, error) {
	x, err := chain.Load(e.recordings)
	if err != nil {
		return nil, err
	}
	it, ok := x.ID(id)
	if !ok || it.Gone != chain.Cleared {
		return nil, nil
	}
	return &cdr.Recording{
		Path: it.Path, Encrypted: record.Encrypted(it.Path), DurationMS: it.DurationMS, Bytes: it.Bytes, SHA256: it.SHA256,
		Object: it.Uploaded.Object,
	}, nil
}
