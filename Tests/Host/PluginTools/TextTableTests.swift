import HostPluginTools
import Testing

struct TextTableTests {
    @Test
    func columnsAreAsWideAsTheyHaveToBe() {
        var table = TextTable("A", "B", "C")
        table.add("long", "", "x")
        table.add("s", "b\u{1b}[31m\nb", "")

        #expect(table.text == "A     B         C\nlong  -         x\ns     b [31m b  -")
    }
}
