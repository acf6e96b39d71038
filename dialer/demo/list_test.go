package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestPeopleAreFictionalAndDistinct(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(people(MaxLeads, 3))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != MaxLeads+1 {
		t.Fatalf("%d rows, want %d", len(rows), MaxLeads+1)
	}
	fiction := regexp.MustCompile(`^\([2-9][0-9]{2}\) 555-01[0-9]{2}$`)
	seen := make(map[string]bool)
	for _, row := range rows[1:] {
		if !fiction.MatchString(row[2]) {
			t.Fatalf("%s is not kept for fiction", row[2])
		}
		if seen[row[2]] {
			t.Fatalf("%s twice", row[2])
		}
		seen[row[2]] = true
	}
	for _, area := range areaCodes {
		number, err := phonenumbers.Parse(fmt.Sprintf("(%d) 555-0100", area), "US")
		if err != nil || !phonenumbers.IsValidNumber(number) {
			t.Errorf("area code %d: no valid number: %v", area, err)
		}
	}
}
