using System.Text.Json;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests;

/// <summary>vernier compare.</summary>
public class CompareTests(QuantizedQuill quantized)
{
    [Fact]
    public void Each_recipe_is_a_row_after_the_original()
    {
        using var folder = new TempFolder();
        string page = folder["quality.md"];
        JsonElement result = CommandRun.Json("compare", SharedData.Quill, "--recipes", "rtn,nupes-datafree", "--bits", "4,2", "--text",
            quantized.Text, "--windows", "2", "--window", "64", "--markdown", page);
        JsonElement[] rows = [.. result.GetProperty("rows").EnumerateArray()];
        Assert.Equal([null, "rtn", "nupes-datafree", "rtn", "nupes-datafree"], rows.Select(row => row.GetProperty("recipe").GetString()));
        foreach (JsonElement row in rows.Skip(1))
        {
            JsonSchema.Check(row, """
                recipe:string bits:number group:number embedding_bits:number bytes:number bits_per_weight:number perplexity:number
                perplexity_stderr:number kl_divergence:number
                kl_divergence_stderr:number top1_agreement:number top1_agreement_stderr:number weight_error:number objective:null
                layers:null layers_below_first:null tokens:number seconds:number
                """);
        }
        Assert.Equal(JsonValueKind.Null, result.GetProperty("calibration").ValueKind);
        Assert.True(rows[2].GetProperty("kl_divergence").GetDouble() < rows[1].GetProperty("kl_divergence").GetDouble());
        Assert.True(rows[4].GetProperty("kl_divergence").GetDouble() < rows[3].GetProperty("kl_divergence").GetDouble());
        Assert.True(rows[3].GetProperty("bytes").GetInt64() < rows[1].GetProperty("bytes").GetInt64());
        string[] lines = File.ReadAllLines(page);
        Assert.Equal(2 + 5, lines.TakeWhile(line => line != "## The front").Count(line => line.StartsWith('|')));
        // Of two recipes at the same bits the second is better, and a little larger or not: it is on the front.
        Assert.Equal(2, lines.SkipWhile(line => line != "## The front")
            .Count(line => line.StartsWith("| ", StringComparison.Ordinal)
            && line.Contains("| nupes-datafree |", StringComparison.Ordinal)));
        Assert.DoesNotContain(lines, line => line.Contains(Path.GetDirectoryName(quantized.Text)!, StringComparison.Ordinal));
    }

    [Fact]
    public void Layer_objectives_are_those_on_the_calibration_text_by_recipes_files_and_other_texts()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["mine.json"], RecipeCatalogue.Find("gptq").ToJson()
            .Replace("\"name\":\"gptq\"", "\"name\":\"mine\"", StringComparison.Ordinal));
        JsonElement result = CommandRun.Json("compare", SharedData.Quill, "--recipes",
            $"rtn,gptq,{folder["mine.json"]},gptq@{quantized.Text},gptq@self", "--bits", "3", "--group", "64,channel",
            "--calibration", quantized.Text, "--sequences", "4", "--length", "64", "--text", quantized.Text, "--windows", "2", "--window",
                "64");
        Assert.Contains("4 sequences of 64 tokens", result.GetProperty("calibration").GetString(), StringComparison.Ordinal);
        JsonElement[] rows = [.. result.GetProperty("rows").EnumerateArray()];
        string[] names = ["rtn", "gptq", "mine", $"gptq@{Path.GetFileName(quantized.Text)}", "gptq@self"];
        Assert.Equal([null, .. names, .. names], rows.Select(row => row.GetProperty("recipe").GetString()));
        Assert.Equal([.. Enumerable.Repeat(64, 5), .. Enumerable.Repeat(0, 5)],
            rows.Skip(1).Select(row => row.GetProperty("group").GetInt32()));
        foreach (int first in (int[])[1, 6])
        {
            double[] objectives = [.. rows.Skip(first).Take(5).Select(row => row.GetProperty("objective").GetDouble())];
            int[] below = [.. rows.Skip(first).Take(5).Select(row => row.GetProperty("layers_below_first").GetInt32())];
            Assert.Equal(42, rows[first].GetProperty("layers").GetInt32());
            Assert.True(objectives[1] < 0.8 * objectives[0], $"{objectives[1]} of {objectives[0]}");
            Assert.Equal([0, 42], below[..2]);
            Assert.Equal(objectives[1], objectives[2]);
            Assert.Equal(objectives[1], objectives[3]);
            // On a text that it has not seen, it keeps less of what the layers give.
            Assert.True(objectives[4] > objectives[1]);
        }
        Assert.Equal(2, CommandRun.Of("compare", SharedData.Quill, "--recipes", "rtn@self").Status);
    }

    [Fact]
    public void The_table_is_for_people_too()
    {
        CommandRun run = CommandRun.Succeeding("compare", SharedData.Quill, "--recipes", "rtn", "--bits", "8", "--windows", "2", "--window",
            "32");
        Assert.Contains("original", run.Output, StringComparison.Ordinal);
        Assert.Matches("rtn +8 +64 +8\\.3", run.Output);
        Assert.Contains("2 texts of 32 tokens that the model wrote itself", run.Output, StringComparison.Ordinal);
    }
}
