package cdr

import "time"

// Listening is one supervisor's part in a conversation, for as long as it was the same.
type Listening struct {
	By    string    `json:"by"`              // the supervisor's agent id
	Token string    `json:"token,omitempty"` // name of the API's token that asked for it; "" where the supervisor dialed
	Agent string    `json:"agent"`           // whose conversation it was
	Part  string    `json:"part"`            // listen: nobody heard them; whisper: the agent did; barge: the customer too
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"` // zero: the node died meanwhile
}
