package picture

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// point is a place in a shape's own square of 100 by 100, or in pixels.
type point struct{ x, y float64 }

// segment is a move, line or cubic curve ('M', 'L', 'C') or the closing of an
// outline ('Z').
type segment struct {
	op     byte
	points [3]point
}

// path is a closed outline, or several.
type path []segment

// arguments is how many numbers each command takes. M, L, H, V, Q, C and Z are as
// in SVG; O is a circle (centre, radius), E an ellipse (centre, radii), R a box
// with round corners (corner, size, radius), D a ring (centre, outer and inner
// radius).
var arguments = map[string]int{"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "C": 6, "Z": 0, "O": 3, "E": 4, "R": 5, "D": 4}

// parsePath reads a path such as "M10 10 H90 V90 Z"; letters and numbers are
// separated by spaces or by their kind.
func parsePath(text string) (path, error) {
	var p path
	fields := strings.Fields(spaceCommands.Replace(text))
	for i := 0; i < len(fields); {
		command := fields[i]
		count, known := arguments[command]
		if !known || i+count >= len(fields) {
			return nil, fmt.Errorf("path %q: command %d %q is not known or too short", text, i, command)
		}
		numbers := make([]float64, count)
		for n := range numbers {
			number, err := strconv.ParseFloat(fields[i+1+n], 64)
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", text, err)
			}
			numbers[n] = number
		}
		p = p.add(command[0], numbers)
		i += 1 + count
	}
	return p, nil
}

var spaceCommands = strings.NewReplacer("M", " M ", "L", " L ", "H", " H ", "V", " V ", "Q", " Q ", "C", " C ",
	"Z", " Z ", "O", " O ", "E", " E ", "R", " R ", "D", " D ")

func (p path) end() point {
	if len(p) == 0 {
		return point{}
	}
	last := p[len(p)-1]
	if last.op == 'C' {
		return last.points[2]
	}
	return last.points[0]
}

func (p path) add(command byte, n []float64) path {
	switch command {
	case 'M', 'L':
		return append(p, segment{command, [3]point{{n[0], n[1]}}})
	case 'H':
		return p.add('L', []float64{n[0], p.end().y})
	case 'V':
		return p.add('L', []float64{p.end().x, n[0]})
	case 'Q':
		from, to := p.end(), point{n[2], n[3]}
		return append(p, segment{'C', [3]point{
			{from.x + (n[0]-from.x)*2/3, from.y + (n[1]-from.y)*2/3},
			{to.x + (n[0]-to.x)*2/3, to.y + (n[1]-to.y)*2/3}, to,
		}})
	case 'C':
		return append(p, segment{'C', [3]point{{n[0], n[1]}, {n[2], n[3]}, {n[4], n[5]}}})
	case 'O':
		return p.ellipse(n[0], n[1], n[2], n[2])
	case 'E':
		return p.ellipse(n[0], n[1], n[2], n[3])
	case 'R':
		return p.box(n[0], n[1], n[2], n[3], n[4])
	case 'D':
		// The inner circle runs the other way round, so it is a hole.
		return p.ellipse(n[0], n[1], n[2], n[2]).ellipse(n[0], n[1], -n[3], n[3])
	default:
		return append(p, segment{op: 'Z'})
	}
}

// roundness places the handles of a curve that looks like a quarter circle.
const roundness = 0.5523

func (p path) ellipse(cx, cy, rx, ry float64) path {
	kx, ky := rx*roundness, ry*roundness
	return append(p,
		segment{'M', [3]point{{cx + rx, cy}}},
		segment{'C', [3]point{{cx + rx, cy + ky}, {cx + kx, cy + ry}, {cx, cy + ry}}},
		segment{'C', [3]point{{cx - kx, cy + ry}, {cx - rx, cy + ky}, {cx - rx, cy}}},
		segment{'C', [3]point{{cx - rx, cy - ky}, {cx - kx, cy - ry}, {cx, cy - ry}}},
		segment{'C', [3]point{{cx + kx, cy - ry}, {cx + rx, cy - ky}, {cx + rx, cy}}},
		segment{op: 'Z'})
}

func (p path) box(x, y, w, h, r float64) path {
	k := r * (1 - roundness)
	return append(p,
		segment{'M', [3]point{{x + r, y}}},
		segment{'L', [3]point{{x + w - r, y}}},
		segment{'C', [3]point{{x + w - k, y}, {x + w, y + k}, {x + w, y + r}}},
		segment{'L', [3]point{{x + w, y + h - r}}},
		segment{'C', [3]point{{x + w, y + h - k}, {x + w - k, y + h}, {x + w - r, y + h}}},
		segment{'L', [3]point{{x + r, y + h}}},
		segment{'C', [3]point{{x + k, y + h}, {x, y + h - k}, {x, y + h - r}}},
		segment{'L', [3]point{{x, y + r}}},
		segment{'C', [3]point{{x, y + k}, {x + k, y}, {x + r, y}}},
		segment{op: 'Z'})
}

// placing maps a shape's square onto the canvas: scaled, mirrored, turned around
// its middle, and moved there.
type placing struct {
	middle point   // on the canvas
	scale  float64 // pixels of one hundredth of the square
	mirror bool
	turn   float64 // radians
}

func (t placing) apply(p point) point {
	x, y := p.x-50, p.y-50
	if t.mirror {
		x = -x
	}
	sin, cos := math.Sincos(t.turn)
	return point{t.middle.x + t.scale*(x*cos-y*sin), t.middle.y + t.scale*(x*sin+y*cos)}
}

func (p path) placed(t placing) path {
	moved := make(path, len(p))
	for i, s := range p {
		moved[i].op = s.op
		for n := range s.points {
			moved[i].points[n] = t.apply(s.points[n])
		}
	}
	return moved
}
