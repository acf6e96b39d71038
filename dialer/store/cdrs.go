package store

import (
	"context"
	"encoding/json"
	"strconv"

	"ringpace/dialer/cdr"
)

// StreamRecord is a call detail record in a campaign's stream.
type StreamRecord struct {
	StreamID string `json:"stream_id"` // sorts by time of writing, within the campaign
	cdr.Record
}

// CDRs returns up to n records of a campaign that were written after the one with
// stream id after ("" = from the beginning), oldest first. One that cannot be read
// is logged and comes with its StreamID only.
func (s *Store) CDRs(ctx context.Context, campaign, after string, n int) ([]StreamRecord, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	if err := s.reachable(); err != nil {
		return nil, err
	}
	from := "-"
	if after != "" {
		from = "(" + after
	}
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	messages, err := s.redis.XRangeN(short, sp.key("cdrs"), from, "+", int64(n)).Result()
	if err := s.outcome(ctx, err); err != nil {
		return nil, err
	}
	records := make([]StreamRecord, len(messages))
	for i, m := range messages {
		text, _ := m.Values["cdr"].(string)
		records[i].StreamID = m.ID
		if err := json.Unmarshal([]byte(text), &records[i].Record); err != nil {
			s.log.Error("a call detail record cannot be read", "campaign", campaign, "stream_id", m.ID, "err", err)
			records[i].Record = cdr.Record{}
		}
	}
	return records, nil
}

// Counters returns a campaign's live counters: attempts by outcome (cdr.Outcome),
// and "started", "bridged", "talk_ms".
func (s *Store) Counters(ctx context.Context, campaign string) (map[string]int64, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, err
	}
	if err := s.reachable(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	fields, err := s.redis.HGetAll(short, sp.key("counters")).Result()
	if err := s.outcome(ctx, err); err != nil {
		return nil, err
	}
	counters := make(map[string]int64, len(fields))
	for name, value := range fields {
		counters[name], _ = strconv.ParseInt(value, 10, 64)
	}
	return counters, nil
}
