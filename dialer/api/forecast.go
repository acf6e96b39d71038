package api

import (
	"time"

	"ringpace/pacing/workload"
)

// ForecastQuery is who is to work on a list.
type ForecastQuery struct {
	Agents int    `query:"agents" minimum:"0" maximum:"100000" doc:"So many agents; 0: those who are logged in, or else all of the campaign's"`
	Shift  string `query:"shift" maxLength:"64" doc:"When they work, by the campaign's time zone, such as mon-fri 09:00-17:00; empty: whenever people may be called"`
}

// Forecast is how long a campaign's list takes, and what it rests on.
type Forecast struct {
	Campaign    string    `json:"campaign"`
	At          time.Time `json:"at"`
	Agents      int       `json:"agents"`
	Leads       int       `json:"leads" doc:"That may be dialed yet"`
	Sampled     int       `json:"sampled" doc:"How many of them were looked at, picked at random"`
	Barred      int       `json:"barred" doc:"That a rule forbids to dial for good; they are not among leads"`
	AnswerShare float64   `json:"answer_share" doc:"Of calls that a person answers, as far as it is known"`
	HandlingS   float64   `json:"handling_s" doc:"Seconds that a call takes of an agent"`
	Calls       int64     `json:"calls" doc:"Calls of the campaign so far, which that is known from"`
	workload.Course
}
