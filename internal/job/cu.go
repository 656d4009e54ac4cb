package job

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CU is an amount of compute units, the price unit of the image API, in whole
// thousandths: CU(10750) is 10.75 CU. The API speaks in decimals; amounts are
// never held as floats, so sums and caps are exact.
type CU int64

// OneCU is one whole compute unit.
const OneCU CU = 1000

// maxCU keeps sums of amounts far away from overflow; no bill comes near it.
const maxCU = int64(1) << 52

var errAmount = errors.New("not an amount of CU")

// ParseCU reads a decimal as the API writes it ("10.75", "9", "1e1"). Digits
// beyond the third decimal are rounded up, because an amount that is reserved
// must never be smaller than the one that is billed. It returns an error for
// anything that is not a non-negative decimal.
func ParseCU(text string) (CU, error) {
	mantissa, exponent, err := splitExponent(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errAmount, text)
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%w: %q", errAmount, text)
	}
	point := len(whole) + exponent + 3 // the place of the point, in thousandths
	amount, rest := shiftPoint(digits, point)
	var milli int64
	for _, d := range amount {
		milli = milli*10 + int64(d-'0')
		if milli > maxCU {
			return 0, fmt.Errorf("%w: %q is too large", errAmount, text)
		}
	}
	if strings.Trim(rest, "0") != "" && milli < maxCU {
		milli++
	}
	return CU(milli), nil
}

func splitExponent(text string) (mantissa string, exponent int, err error) {
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, nil
	}
	exponent, err = strconv.Atoi(text[at+1:])
	if err != nil || exponent > 18 || exponent < -18 {
		return "", 0, errAmount
	}
	return text[:at], exponent, nil
}

// shiftPoint cuts digits at point, filling with zeros on either side.
func shiftPoint(digits string, point int) (before, after string) {
	switch {
	case point <= 0:
		return "", strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return strings.TrimLeft(digits, "0") + zerosUnlessEmpty(digits, point-len(digits)), ""
	default:
		return digits[:point], digits[point:]
	}
}

func zerosUnlessEmpty(digits string, n int) string {
	if strings.Trim(digits, "0") == "" {
		return ""
	}
	return strings.Repeat("0", n)
}

// String writes the amount as a decimal without needless zeros: "10.75".
func (c CU) String() string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	whole, milli := int64(c)/1000, int64(c)%1000
	if milli == 0 {
		return fmt.Sprintf("%s%d", sign, whole)
	}
	return strings.TrimRight(fmt.Sprintf("%s%d.%03d", sign, whole, milli), "0")
}

// MarshalJSON writes the amount as a JSON number in CU.
func (c CU) MarshalJSON() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalJSON reads a JSON number in CU, exactly; null leaves it unchanged.
func (c *CU) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	amount, err := ParseCU(strings.Trim(string(data), `"`))
	if err != nil {
		return err
	}
	*c = amount
	return nil
}
