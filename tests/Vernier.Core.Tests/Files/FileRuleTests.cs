using System.Reflection;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

public partial class FileRuleTests
{
    private static readonly string[] Catalogue =
        [.. new[] { typeof(FileRules), typeof(SafetensorsRules), typeof(CheckpointRules) }
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Select(field => (string)field.GetRawConstantValue()!)
            .Order(StringComparer.Ordinal)];

    public static TheoryData<string, string> Cases => [.. BrokenInput.All.Select(broken => (broken.Rule, broken.What))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void ABrokenRuleIsNamed(string rule, string what)
    {
        BrokenInput.Case broken = BrokenInput.All.Single(broken => broken.Rule == rule && broken.What == what);
        using var folder = new TempFolder();
        var error = Assert.Throws<InvalidFileException>(() => broken.Read(folder.Path));
        Assert.Equal(rule, error.Rule);
        Assert.Equal(broken.Tensor, error.Tensor);
        Assert.StartsWith(error.File + ": ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public void EveryRuleHasABrokenInput() =>
        Assert.Equal(Catalogue, BrokenInput.All.Select(broken => broken.Rule).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void RuleNamesAreDistinct() => Assert.Distinct(Catalogue);

    [Fact]
    public void TheDocumentListsExactlyTheRules()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "safetensors.md"));
        Assert.Equal(Catalogue, RuleRow().Matches(document).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheDocumentListsExactlyTheTypes()
    {
        string document = File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "safetensors.md"));
        Assert.Equal(
            Enum.GetValues<ElementType>().Select(type => $"{type} {type.Bits()}").Order(StringComparer.Ordinal),
            TypeRow().Matches(document).SelectMany(match =>
                match.Groups["types"].Value.Split(", ").Select(name => $"{name} {match.Groups["bits"].Value}"))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AHostileNameDoesNotFloodTheMessage()
    {
        string name = "\u001b[2J" + new string('x', 1_000_000);
        var error = new InvalidFileException("f", "rule", new string('p', 1_000_000), "Remedy", name);
        Assert.Equal(name, error.Tensor);
        Assert.InRange(error.Message.Length, 1, 1000);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [GeneratedRegex(@"^\| `(?<rule>[a-z0-9-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();

    [GeneratedRegex(@"^\| (?<bits>[0-9]+) \| (?<types>[A-Z0-9_, ]+) \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TypeRow();
}
