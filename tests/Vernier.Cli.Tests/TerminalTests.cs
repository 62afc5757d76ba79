using System.Text;
using Spectre.Console;
using Vernier.Cli.Terminal;
using Vernier.Quantization.Evaluation;

namespace Vernier.Tests;

/// <summary>How things are printed.</summary>
public class TerminalTests
{
    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(999, "999 bytes")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(99_949, "99.9 kB")]
    [InlineData(99_951, "100 kB")]
    [InlineData(999_499, "999 kB")]
    [InlineData(999_500, "1.00 MB")]
    [InlineData(11_547_577, "11.5 MB")]
    [InlineData(16_000_000_000, "16.0 GB")]
    public void Sizes_have_three_digits(long bytes, string text) => Assert.Equal(text, Figures.Size(bytes));

    [Theory]
    [InlineData(36.8732, 0.4126, 1, "36.87 ± 0.41")]
    [InlineData(0.0123456, 0.000234, 1, "0.01235 ± 0.00023")]
    [InlineData(0.9246, 0.0028, 100, "92.46 ± 0.28")]
    [InlineData(1234.5, 56.7, 1, "1234 ± 57")]
    [InlineData(1, 0, 100, "100.00 ± 0.00")]
    [InlineData(12.34567, double.NaN, 1, "12.35")]
    public void Estimates_have_the_digits_that_their_errors_allow(double mean, double error, double factor, string text) =>
        Assert.Equal(text, Figures.Of(new Estimate(mean, error), factor));

    [Fact]
    public void Tables_are_aligned_and_hold_no_control_characters()
    {
        var table = new TextTable("name", ">size", "note");
        table.Add("a\u001B[2J", "1");
        table.Add("longer name", "1,000", "x");
        using var writer = new StringWriter { NewLine = "\n" };
        table.Write(writer);
        Assert.Equal("name          size  note\na\uFFFD[2J            1\nlonger name  1,000  x\n", writer.ToString());
    }

    [Fact]
    public void In_a_pipe_stages_have_lines_and_long_ones_a_line_for_each_tenth()
    {
        using var error = new StringWriter { NewLine = "\n" };
        var time = new Clock();
        IAnsiConsole ansi = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(error) });
        new ProgressDisplay(new CommandConsole(TextReader.Null, TextWriter.Null, ansi) { Time = time }, silent: false).Run(report =>
        {
            report("reading", 0);
            report("reading", 0.5);
            for (int i = 0; i <= 100; i++)
            {
                report("writing", i / 100.0);
                time.Seconds++;
            }
            return 0;
        });
        Assert.Equal("reading\nwriting\nwriting: 10 %\nwriting: 20 %\nwriting: 30 %\nwriting: 40 %\nwriting: 50 %\nwriting: 60 "
            + "%\nwriting: 70 %\nwriting: 80 %\nwriting: 90 %\n", error.ToString());
    }

    [Fact]
    public void On_a_terminal_there_are_bars()
    {
        using var error = new StringWriter { NewLine = "\n" };
        IAnsiConsole ansi = AnsiConsole.Create(new AnsiConsoleSettings {
            Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, ColorSystem = ColorSystemSupport.NoColors,
            Out = new TerminalOutput(error) });
        var console = new CommandConsole(TextReader.Null, TextWriter.Null, ansi);
        Assert.True(console.IsWatched);
        Assert.Equal(3, new ProgressDisplay(console, silent: false).Run(report =>
        {
            report("a [stage]", 1);
            return 3;
        }));
        Assert.Contains("a [stage]", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("100%", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void For_programs_there_is_no_progress()
    {
        using var error = new StringWriter();
        IAnsiConsole ansi = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(error) });
        new ProgressDisplay(new CommandConsole(TextReader.Null, TextWriter.Null, ansi), silent: true).Run(report =>
        {
            report("a stage", 0.5);
            return 0;
        });
        Assert.Empty(error.ToString());
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    private sealed class TerminalOutput(TextWriter writer) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => true;

        public int Width => 80;

        public int Height => 24;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}
