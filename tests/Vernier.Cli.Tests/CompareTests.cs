using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier compare.</summary>
public class CompareTests(QuantizedQuill quantized)
{
    [Fact]
    public void Each_recipe_is_a_row_after_the_original()
    {
        using var folder = new TempFolder();
        string page = folder["quality.md"];
        JsonElement result = CommandRun.Json("compare", SharedData.Quill, "--recipes", "rtn,nupes-datafree", "--bits", "4,2", "--text", quantized.Text, "--windows", "2", "--window", "64", "--markdown", page);
        JsonElement[] rows = [.. result.GetProperty("rows").EnumerateArray()];
        Assert.Equal([null, "rtn", "nupes-datafree", "rtn", "nupes-datafree"], rows.Select(row => row.GetProperty("recipe").GetString()));
        foreach (JsonElement row in rows.Skip(1))
        {
            JsonSchema.Check(row, """
                recipe:string bits:number group:number embedding_bits:number bytes:number bits_per_weight:number perplexity:number perplexity_stderr:number kl_divergence:number
                kl_divergence_stderr:number top1_agreement:number top1_agreement_stderr:number objective:number tokens:number seconds:number
                """);
        }
        Assert.True(rows[2].GetProperty("kl_divergence").GetDouble() < rows[1].GetProperty("kl_divergence").GetDouble());
        Assert.True(rows[4].GetProperty("kl_divergence").GetDouble() < rows[3].GetProperty("kl_divergence").GetDouble());
        Assert.True(rows[3].GetProperty("bytes").GetInt64() < rows[1].GetProperty("bytes").GetInt64());
        string[] lines = File.ReadAllLines(page);
        Assert.Equal(2 + 5, lines.Count(line => line.StartsWith('|')));
        Assert.DoesNotContain(lines, line => line.Contains(Path.GetDirectoryName(quantized.Text)!, StringComparison.Ordinal));
    }

    [Fact]
    public void The_table_is_for_people_too()
    {
        CommandRun run = CommandRun.Succeeding("compare", SharedData.Quill, "--recipes", "rtn", "--bits", "8", "--windows", "2", "--window", "32");
        Assert.Contains("original", run.Output, StringComparison.Ordinal);
        Assert.Matches("rtn +8 +8\\.3", run.Output);
        Assert.Contains("2 texts of 32 tokens that the model wrote itself", run.Output, StringComparison.Ordinal);
    }
}
