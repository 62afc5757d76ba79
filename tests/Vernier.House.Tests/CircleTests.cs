using System.Xml.Linq;

namespace Vernier.Tests;

/// <summary>
/// The house has one direction: no circle between its folders, those of parents and children included, nor between projects.
/// </summary>
public class CircleTests
{
    /// <summary>The projects by height: one uses those of lower heights alone.</summary>
    private static readonly Dictionary<string, int> s_heights = new()
    {
        ["Vernier.Core"] = 0, ["Vernier.Inference"] = 1, ["Vernier.Onnx"] = 2, ["Vernier.Quantization"] = 2, ["Vernier.Cli"] = 3,
    };

    [Fact]
    public void NoFoldersUseEachOther()
    {
        var names = new SourceNames(SourceFile.Below("src"));
        Assert.Empty(names.Errors);
        FolderUse[] uses = [.. names.Uses()];
        Assert.True(uses.Length > 1000, $"{uses.Length} uses were found: the sources were not read");
        Assert.True(Circles.Of(uses) is { Count: 0 }, string.Concat(Circles.Of(uses).Select(circle => Circles.Describe(circle, uses))));
    }

    [Fact]
    public void NoProjectUsesOneAboveIt()
    {
        string[] projects = Directory.GetFiles(Path.Combine(SharedData.Root, "src"), "*.csproj", SearchOption.AllDirectories);
        Assert.Contains(projects, path => Path.GetFileNameWithoutExtension(path) == "Vernier.Core");
        foreach (string path in projects)
        {
            string name = Path.GetFileNameWithoutExtension(path);
            Assert.True(s_heights.ContainsKey(name), $"{name} has no place among the projects");
            foreach (XElement reference in XDocument.Load(path).Descendants("ProjectReference"))
            {
                string other = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value);
                Assert.True(s_heights[other] < s_heights[name], $"{name} uses {other}, which is not below it");
            }
        }
    }

    [Fact]
    public void ParentAndChildMakeACircle()
    {
        FolderUse[] uses = Uses(
            ("src/A/Parent.cs", "namespace A; class Parent { int Value => new B.Child().Size; }"),
            ("src/A/B/Child.cs", "namespace A.B; class Child { public int Size => Parent.Count(this); } static class Other { }"),
            ("src/A/B/C/Leaf.cs", "namespace A.B.C; class Leaf { Child Up = new(); }"));
        Assert.Equal([["src/A", "src/A/B"]], Circles.Of(uses));
        string text = Circles.Describe(["src/A", "src/A/B"], uses);
        Assert.Contains("src/A -> src/A/B: Child (Parent.cs)", text, StringComparison.Ordinal);
        Assert.Contains("src/A/B -> src/A: Parent (Child.cs)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Leaf", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ThreeFoldersMakeACircleWithoutATypeBeingWritten()
    {
        FolderUse[] uses = Uses(
            ("src/A/One.cs", "namespace A; static class One { static B.Two Two() => null!; public static int Twice(this int x) => 2 * x; "
                + "}"),
            ("src/B/Two.cs", "namespace B; class Two { public C.Three Next = new(); }"),
            ("src/C/Three.cs", "using A; namespace C; class Three { int Size = 3.Twice(); }"));
        Assert.Equal([["src/A", "src/B", "src/C"]], Circles.Of(uses));
        Assert.Contains(new FolderUse("src/C", "src/A", "Three.cs", "One"), uses);
    }

    [Fact]
    public void OneDirectionIsNoCircle()
    {
        FolderUse[] uses = Uses(
            ("src/A/One.cs", "namespace A; class One { /* B.Two */ string Two = \"B.Two\"; /// <see cref=\"B.Two\"/>\n int Size; }"),
            ("src/B/Two.cs", "namespace B; class Two : A.One { }"));
        Assert.Equal([new FolderUse("src/B", "src/A", "Two.cs", "One")], uses);
        Assert.Empty(Circles.Of(uses));
    }

    private static FolderUse[] Uses(params (string Path, string Text)[] files) =>
        [.. new SourceNames([.. files.Select(file => SourceFile.Of(file.Path, file.Text))]).Uses()];
}
