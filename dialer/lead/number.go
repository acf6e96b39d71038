package lead

import (
	"github.com/nyaruka/phonenumbers"
)

// KnownRegion reports whether numbers of that region (ISO 3166, two capital
// letters) are known.
func KnownRegion(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }

// RegionOf returns the region that a number in E.164 belongs to, "" where that
// cannot be told.
func RegionOf(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(n); region != "" {
		return region
	}
	if region := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); KnownRegion(region) {
		return region
	}
	return ""
}
