using Spectre.Console;

namespace Vernier.Cli.Terminal;

/// <summary>Tells how far a stage is.</summary>
/// <param name="stage">The stage, in a few words.</param>
/// <param name="fraction">The part of it that is done, 0 to 1.</param>
internal delegate void ProgressReport(string stage, double fraction);

/// <summary>
/// Shows the progress of long work on the standard error: on a terminal bars with the time left, which vanish at the end; in a pipe a line
/// for each stage and, where a stage takes long, for each tenth of it; or nothing.
/// </summary>
/// <param name="console">Where.</param>
/// <param name="silent">Whether nothing is shown.</param>
internal sealed class ProgressDisplay(CommandConsole console, bool silent)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Runs work that reports its progress.</summary>
    public T Run<T>(Func<ProgressReport, T> work)
    {
        if (silent)
            return work((_, _) => { });
        return console.IsWatched ? RunWithBars(work) : work(Lines());
    }

    private T RunWithBars<T>(Func<ProgressReport, T> work) => console.Error.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
            new RemainingTimeColumn())
        .Start(context =>
        {
            var bars = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
            return work((stage, fraction) =>
            {
                if (!bars.TryGetValue(stage, out ProgressTask? bar))
                    bars[stage] = bar = context.AddTask(Markup.Escape(stage), maxValue: 1);
                bar.Value = fraction;
            });
        });

    private ProgressReport Lines()
    {
        string current = "";
        int tenths = 0;
        long last = 0;
        return (stage, fraction) =>
        {
            if (stage != current)
            {
                (current, tenths, last) = (stage, 0, console.Time.GetTimestamp());
                console.Remark(stage);
                return;
            }
            int now = (int)(10 * fraction);
            if (now <= tenths || now >= 10 || console.Time.GetElapsedTime(last) < s_patience)
                return;
            (tenths, last) = (now, console.Time.GetTimestamp());
            console.Remark($"{stage}: {10 * now} %");
        };
    }
}

/// <summary>Hands each report on at once and on the same thread, unlike <see cref="Progress{T}"/>.</summary>
internal sealed class Relay<T>(Action<T> action) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => action(value);
}
