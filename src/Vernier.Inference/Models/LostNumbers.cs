namespace Vernier.Inference.Models;

/// <summary>Numbers of a tensor that are lost, row by row and group by group: not zero, and now zero; or in a whole row far too large. The
/// scale of their group, or their type, can't be so small, or nothing in them counts by an importance matrix.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Rows">Rows of which nothing is left.</param>
/// <param name="Groups">Groups of which nothing is left, those of lost rows included: numbers of a row that share a scale, or the row
/// where more than a row shares one or none is needed.</param>
/// <param name="Largest">The largest magnitude that was lost.</param>
public sealed record LostNumbers(string Tensor, long Rows, long Groups, float Largest)
{
    /// <summary>What was lost, for people.</summary>
    public override string ToString() =>
        $"{Tensor}: {Count(Rows, "row")} and {Count(Groups, "group")} of numbers up to {Largest:G4} became zero or far too large";

    private static string Count(long number, string what) => $"{number} {what}{(number == 1 ? "" : "s")}";
}
