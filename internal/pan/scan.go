package pan

// digits is a row of decimal digits in a run, with single gaps or none between them.
type digits struct {
	value []byte  // '0' to '9'
	at    []int   // where in the run
	group []int32 // which group of adjacent digits, counted from 0
	hex   bool    // a hexadecimal letter touches the row's beginning or end
	whole bool    // the row's beginning and end are both known
}

// scan marks what is to be hidden in the run and returns where the last card number ends, 0 when there is none. final tells
// that the run's end is known; before that, groups that reach it are not taken for whole.
func (m *Writer) scan(final bool) (cardEnd int) {
	for i := 0; i < len(m.run); {
		if !isDigit(m.run[i]) {
			i++
			continue
		}
		d := m.row(i, final)
		m.rows = d
		i = d.at[len(d.at)-1] + 1
		if len(d.at) < minCard {
			continue
		}
		cardEnd = max(cardEnd, m.numbers(d), m.asciiNumbers(d))
	}
	return cardEnd
}

// row collects the digits from i on.
func (m *Writer) row(i int, final bool) digits {
	d := digits{value: m.rows.value[:0], at: m.rows.at[:0], group: m.rows.group[:0]}
	d.whole = i > 0 || !m.parted
	d.hex = isHexLetter(m.before(i))
	group := int32(0)
	for ; i < len(m.run); i++ {
		c := m.run[i]
		if isGap(c) && i+1 < len(m.run) && isDigit(m.run[i+1]) {
			group++
			continue
		}
		if !isDigit(c) {
			d.hex = d.hex || isHexLetter(c)
			return d
		}
		d.value = append(d.value, c)
		d.at = append(d.at, i)
		d.group = append(d.group, group)
	}
	d.whole = d.whole && final
	return d
}

// before returns the character in front of run[i].
func (m *Writer) before(i int) byte {
	if i > 0 {
		return m.run[i-1]
	}
	return m.prev
}

// numbers hides the card numbers among the digits.
func (m *Writer) numbers(d digits) (cardEnd int) {
	for i := 0; i+minCard <= len(d.at); i++ {
		for n := minCard; n <= maxDigits && i+n <= len(d.at); n++ {
			end := d.at[i+n-1] + 1
			if !m.isCard(d, i, n) && !m.isTrack2(d, i, n) {
				continue
			}
			m.mask(d.at[i : i+n])
			m.hideTrack2(end, n)
			cardEnd = end
		}
	}
	return cardEnd
}

// mask hides the middle of a number.
func (m *Writer) mask(at []int) {
	for _, i := range at[6 : len(at)-4] {
		m.hide[i] = true
	}
}

// isCard decides rules 1 to 4 for the n digits from the i-th on.
func (m *Writer) isCard(d digits, i, n int) bool {
	number := d.value[i : i+n]
	switch {
	case (number[0] < '2' || number[0] > '6') && i > 0 && d.group[i-1] == d.group[i]:
		return false // no scheme's and no test number begins so, and it is no whole group: cheap to see
	case !luhn(number):
		return false
	case isTest(number):
		return true
	case d.group[i] != d.group[i+n-1]:
		return isScheme(number) && grouped(d, i, n)
	}
	from, to, whole := m.groupAround(d, i)
	touches := isHexLetter(m.before(d.at[from])) || m.hexBehind(d.at[to-1]+1)
	if whole && !touches && to-from == n {
		return plain(number)
	}
	return isScheme(number) && (!whole || touches || to-from > maxDigits)
}

// groupAround finds the group of adjacent digits that holds the i-th; whole tells whether both its ends are known. It looks
// no further than it takes to see that the group is too long for a card number.
func (m *Writer) groupAround(d digits, i int) (from, to int, whole bool) {
	from, to = i, i+1
	for from > 0 && d.group[from-1] == d.group[i] && i-from <= maxDigits {
		from--
	}
	for to < len(d.at) && d.group[to] == d.group[i] && to-i <= maxDigits {
		to++
	}
	startKnown := d.at[from] > 0 || !m.parted || !isDigit(m.prev)
	endKnown := d.whole || to < len(d.at) || d.at[to-1]+1 < len(m.run)
	return from, to, startKnown && endKnown
}

func (m *Writer) hexBehind(i int) bool { return i < len(m.run) && isHexLetter(m.run[i]) }

// plain tells whether a lonely group of digits is worth masking (rule 2).
func plain(number []byte) bool {
	switch {
	case number[0] == '0':
		return false
	case number[0] == '1':
		return len(number) == 15
	}
	return !isTime(number)
}

// isTime recognises YYYYMMDDhhmmss of this century, with or without a fraction.
func isTime(number []byte) bool {
	if len(number) < 14 || number[0] != '2' || number[1] != '0' {
		return false
	}
	two := func(i int) int { return int(number[i]-'0')*10 + int(number[i+1]-'0') }
	month, day := two(4), two(6)
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && two(8) < 24 && two(10) < 60 && two(12) < 60
}

// grouped decides rule 4: whether n digits from the i-th on, which lie in several groups, are split as people and dumps do.
func grouped(d digits, i, n int) bool {
	if i == 0 && n == len(d.at) && d.whole && !d.hex {
		return true
	}
	var sizes [maxDigits]int // of each group's part inside the number
	first, groups := d.group[i], int(d.group[i+n-1]-d.group[i])+1
	for j := i; j < i+n; j++ {
		sizes[d.group[j]-first]++
	}
	startsGroup := i == 0 || d.group[i-1] != d.group[i]
	endsGroup := i+n == len(d.at) || d.group[i+n] != d.group[i+n-1]
	if groups == 3 && startsGroup && endsGroup && sizes[0] == 4 && sizes[1] == 6 && (sizes[2] == 5 || sizes[2] == 4) {
		return true
	}
	if groups < 3 || sizes[1] != 2 && sizes[1] != 4 {
		return false
	}
	for _, size := range sizes[1 : groups-1] {
		if size != sizes[1] {
			return false
		}
	}
	return sizes[0] <= sizes[1] && sizes[groups-1] <= sizes[1]
}

// isTrack2 decides rule 6.
func (m *Writer) isTrack2(d digits, i, n int) bool {
	end := d.at[i+n-1] + 1
	if end+8 > len(m.run) || !isSeparator(m.run[end]) || d.group[i] != d.group[i+n-1] {
		return false
	}
	if from, to, whole := m.groupAround(d, i); !whole || to-from != n || isHexLetter(m.before(d.at[from])) {
		return false
	}
	for _, c := range m.run[end+1 : end+8] {
		if !isDigit(c) {
			return false
		}
	}
	month := int(m.run[end+3]-'0')*10 + int(m.run[end+4]-'0')
	return month >= 1 && month <= 12
}

// hideTrack2 hides the digits of a track 2 that goes on at i behind a number of n digits.
func (m *Writer) hideTrack2(i, n int) {
	if i < len(m.run) && isGap(m.run[i]) {
		i++
	}
	if i >= len(m.run) || !isSeparator(m.run[i]) {
		return
	}
	for left := maxTrack2 - n - 1; left > 0; left-- {
		if i++; i < len(m.run) && isGap(m.run[i]) {
			i++
		}
		if i >= len(m.run) || !isDigit(m.run[i]) {
			return
		}
		m.hide[i] = true
	}
}

// isSeparator knows track 2's field separator, as a character and as a nibble.
func isSeparator(c byte) bool { return c == '=' || c == 'D' || c == 'd' }

// asciiNumbers hides the card numbers that are written as ASCII codes in hexadecimal (rule 5), with their track.
func (m *Writer) asciiNumbers(d digits) (cardEnd int) {
	var number [maxDigits]byte
	for i := range d.at {
		n := 0
		for n < maxDigits && isCode(d, i+2*n) {
			number[n] = d.value[i+2*n+1]
			n++
			if n < minCard || !luhn(number[:n]) || !isTest(number[:n]) && !isScheme(number[:n]) {
				continue
			}
			for j := i + 2*6; j < i+2*(n-4); j++ {
				m.hide[d.at[j]] = true
			}
			cardEnd = d.at[i+2*n-1] + 1
			m.hideAsciiTrack2(cardEnd, n)
		}
	}
	return cardEnd
}

// isCode tells whether a pair of adjacent digits at i is the ASCII code of a digit.
func isCode(d digits, i int) bool {
	return i+1 < len(d.at) && d.value[i] == '3' && d.at[i+1] == d.at[i]+1
}

// hideAsciiTrack2 hides the codes behind 3D.
func (m *Writer) hideAsciiTrack2(i, n int) {
	pair := func() (a, b byte) { // the next two characters, behind at most one gap
		if i < len(m.run) && isGap(m.run[i]) {
			i++
		}
		if i+1 >= len(m.run) {
			return 0, 0
		}
		i += 2
		return m.run[i-2], m.run[i-1]
	}
	if a, b := pair(); a != '3' || b != 'D' && b != 'd' {
		return
	}
	for left := maxTrack2 - n - 1; left > 0; left-- {
		if a, b := pair(); a != '3' || !isDigit(b) {
			return
		}
		m.hide[i-2], m.hide[i-1] = true, true
	}
}
