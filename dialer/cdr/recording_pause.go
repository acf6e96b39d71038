package cdr

import "time"

// RecordingPause is a stretch of a conversation of which nothing was kept in the recording,
// because an agent wanted it so.
type RecordingPause struct {
	Agent   string    `json:"agent"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended,omitzero"` // zero where a crash cut the call off
	EndedBy PauseEnd  `json:"ended_by,omitempty"`
}

// PauseEnd says what ended a pause.
type PauseEnd string

// What ends a pause.
const (
	PauseEndedByAgent  PauseEnd = "agent"
	PauseEndedByLimit  PauseEnd = "limit" // recording.max_pause
	PauseEndedWithTalk PauseEnd = "talk"  // the agent's part in the call was over
)
